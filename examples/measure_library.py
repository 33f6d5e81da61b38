"""Measures every function of Python's standard library with typed tasks, retries and schedules.

One task for each source file parses it and puts what it found into a group. A hundred findings at a
time become one task that writes them down, and a last task returns the longest functions as its
result. Three files are broken on purpose: they are retried after a second and then archived. A few
files are urgent and overtake the rest; some reminders are due later. A periodic task ticks each
second: both processes schedule it, and each tick makes one task.

Run it with ``make demo``. It starts a Redis of its own and two worker processes, and ends by
itself.
"""

import ast
import contextlib
import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from pyasynq import App, Inspector, Task, TaskContext, retry

LEDGER = Path(os.environ.get("DEMO_LEDGER", "ledger.jsonl"))  # what the tasks write down
WORKERS = 2
URGENT = 20
BROKEN = 3
REMINDERS = 5
TOP = 5

app = App(
    os.environ.get("PYASYNQ_REDIS_URL", "embedded:"),
    name="demo",
    queues={"critical": 6, "default": 3, "low": 1},
    concurrency=4,
    thread_pool_size=1,  # parsing keeps the interpreter busy: more threads would only take turns
    task_check_interval=0.2,
)


@dataclass(frozen=True)
class Finding:
    """What was found in one source file."""

    path: str
    functions: int
    longest: str
    lines: int


@app.task("library:measure", max_retry=2, retry_delay=retry.fixed(1), timeout=60)
def measure(path: str) -> None:
    """Parse one source file and hand its longest function to the second stage."""
    tree = ast.parse(Path(path).read_bytes(), filename=path)
    lengths = {
        node.name: (node.end_lineno or node.lineno) - node.lineno + 1
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    longest = max(lengths, key=lambda name: lengths[name], default="")
    found.enqueue(Finding(path, len(lengths), longest, lengths.get(longest, 0)))


@app.task("library:found", queue="low", group="findings")
def found(finding: Finding) -> None:
    """Wait in the group for `collect`; nothing runs it alone."""
    note(kind="file", **asdict(finding))


@app.aggregator("findings", grace_period=1, max_size=100)
def aggregate(_group: str, tasks: list[Task]) -> Task:
    """Replace up to a hundred findings by one task."""
    return collect.bind([Finding(**json.loads(task.payload or b"{}")) for task in tasks])


@app.task("library:collect", queue="low")
def collect(findings: list[Finding]) -> None:
    """Write down what was found in many files."""
    for finding in findings:
        found(finding)


@app.task("library:longest", queue="critical", retention=60)
def longest_functions(top: int) -> list[Finding]:
    """Return the files with the longest functions; the caller waits for this result."""
    files = [Finding(**record) for record in ledger() if record.pop("kind") == "file"]
    return sorted(files, key=lambda finding: -finding.lines)[:top]


@app.task("demo:remind", queue="critical")
async def remind(number: int, due: float) -> None:
    """Write down how late a scheduled task starts."""
    note(kind="reminder", number=number, late=datetime.now(UTC).timestamp() - due)


@app.periodic("@every 1s", queue="critical", missed="all")
async def tick() -> None:
    """Write down each second; both worker processes schedule it."""
    note(kind="tick")


@app.middleware
async def timing(ctx: TaskContext, call_next: Any) -> Any:
    """Write down how long each attempt waited and ran."""
    started = time.perf_counter()
    since = ctx.enqueued_at
    wait = (datetime.now(UTC) - since).total_seconds() if since else 0.0
    is_ok = False
    try:
        result = await call_next(ctx)
        is_ok = True
    finally:
        run = time.perf_counter() - started
        note(kind="attempt", type=ctx.task_type, queue=ctx.queue, ok=is_ok, wait=wait, run=run)
    return result


def note(**record: Any) -> None:
    """Append a line to the ledger; short lines of many processes do not mix."""
    with LEDGER.open("a") as ledger:
        ledger.write(json.dumps(record) + "\n")


def ledger() -> list[dict[str, Any]]:
    """Return what was written down so far."""
    return [json.loads(line) for line in LEDGER.read_text().splitlines()]


def main() -> None:
    """Enqueue everything, watch two workers do it, and sum up."""
    with tempfile.TemporaryDirectory(prefix="pyasynq-demo-") as folder:
        os.environ["DEMO_LEDGER"] = str(Path(folder) / "ledger.jsonl")
        globals()["LEDGER"] = Path(os.environ["DEMO_LEDGER"])
        LEDGER.touch()
        with Inspector(os.environ.get("PYASYNQ_REDIS_URL", "embedded:")) as inspector:
            total = enqueue_all(Path(folder))
            print(f"{total} tasks enqueued on {inspector.description}")
            started = time.monotonic()
            with workers(Path(folder)) as processes:
                watch(inspector, total, processes)
                seconds = time.monotonic() - started
                ranking = longest_functions.enqueue(TOP).result(timeout=30)
            report(total, seconds, inspector, ranking)
        app.close()


def enqueue_all(folder: Path) -> int:
    """Enqueue one task per source file, and the special ones; return how many."""
    library = Path(sysconfig.get_path("stdlib"))
    files = sorted(
        path
        for path in library.rglob("*.py")
        if not {"site-packages", "lib2to3"} & set(path.parts) and not path.stem.startswith("bad")
    )
    for number in range(BROKEN):
        broken = folder / f"broken_{number}.py"
        broken.write_text("def broken(:\n")
        files.append(broken)
    urgent = measure.options(queue="critical")  # enqueued last, done first
    results = app.enqueue_many(
        [
            *(measure.bind(str(path)) for path in files[URGENT:]),
            *(urgent.bind(str(path)) for path in files[:URGENT]),
        ]
    )
    refused = [result.error for result in results if result.error]
    if refused:
        sys.exit(f"{len(refused)} tasks were refused: {refused[0]}")
    for number in range(REMINDERS):
        seconds = 1 + 0.5 * number
        due = datetime.now(UTC).timestamp() + seconds
        remind.options(process_in=seconds).enqueue(number, due)
    return len(files) + REMINDERS


@contextlib.contextmanager
def workers(folder: Path) -> "Iterator[list[subprocess.Popen[bytes]]]":
    """Run the worker processes, just as `pyasynq worker` does in production."""
    command = [sys.executable, "-m", "pyasynq", "worker", "measure_library:app"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    with (folder / "workers.log").open("wb") as log:
        processes = [
            subprocess.Popen(  # noqa: S603 - our own command line
                command, env=environment, stdout=log, stderr=log
            )
            for _ in range(WORKERS)
        ]
        try:
            yield processes
        finally:
            for process in processes:
                process.terminate()
            codes = [process.wait() for process in processes]
            if any(codes):
                print((folder / "workers.log").read_text(), file=sys.stderr)
    if any(codes):
        sys.exit(1)


def watch(inspector: Inspector, total: int, processes: "list[subprocess.Popen[bytes]]") -> None:
    """Show the progress until nothing waits and nothing runs, or a worker has failed."""
    is_terminal = sys.stdout.isatty()
    while True:
        queues = inspector.queues.infos()
        left = sum(queue.size - queue.archived - queue.completed for queue in queues)
        done = sum(queue.processed for queue in queues)
        if is_terminal:
            share = min(1.0, done / (2 * total))
            bar = "█" * int(30 * share)
            print(f"\r{bar:<30} {done} attempts done, {left} tasks left   ", end="", flush=True)
        if (not left and is_all_written()) or any(
            process.poll() is not None for process in processes
        ):
            break
        time.sleep(0.1)
    if is_terminal:
        print()


def is_all_written() -> bool:
    """Return whether every finding is in the ledger: those being aggregated are in no queue."""
    records = ledger()
    measured = sum(
        record["kind"] == "attempt" and record["type"] == "library:measure" and record["ok"]
        for record in records
    )
    return bool(measured == sum(record["kind"] == "file" for record in records))


def report(total: int, seconds: float, inspector: Inspector, ranking: list[Finding]) -> None:
    """Print the summary."""
    records = ledger()
    attempts = [record for record in records if record["kind"] == "attempt"]
    failures = [record for record in attempts if not record["ok"]]
    archived = sum(queue.archived for queue in inspector.queues.infos())
    files = [record for record in records if record["kind"] == "file"]
    collected = [record for record in attempts if record["type"] == "library:collect"]
    late = [record["late"] for record in records if record["kind"] == "reminder"]
    ticks = sum(record["kind"] == "tick" for record in records)
    print(f"""
{len(files)} files measured in {seconds:.1f} s by {WORKERS} processes
  tasks     {total + len(files)} ({total} enqueued here, {len(files)} by other tasks)
  groups    {len(files)} findings in {len(collected)} tasks
  attempts  {len(attempts)}, {len(attempts) / seconds:.0f} a second
  failures  {len(failures)} on purpose: {len(failures) - archived} retries, {archived} archived
  waited    {wait_of(attempts, "critical")} in queue critical (enqueued last),
            {wait_of(attempts, "default")} in queue default (median)
  ran       {1000 * median(record["run"] for record in attempts):.1f} ms (median)
  reminders {len(late)}, at most {1000 * max(late, default=0):.0f} ms late, never early
  periodic  {ticks} tasks, one a second although {WORKERS} processes schedule them

longest functions of the standard library""")
    for finding in ranking:
        print(f"  {finding.lines:5} lines  {finding.longest} in {Path(finding.path).name}")
    print("""
next: read examples/measure_library.py, or try `make dev`:
  pyasynq dev app:app         run the tasks of the App `app` in app.py while you work on it
  pyasynq stats               see what is in the queues""")


def wait_of(attempts: list[dict[str, Any]], queue: str) -> str:
    """Return the median wait in a queue, for people."""
    waits = [
        record["wait"]
        for record in attempts
        if record["queue"] == queue and record["type"] == "library:measure"
    ]
    return f"{median(waits):.2f} s" if waits else "no wait"


if __name__ == "__main__":
    main()
