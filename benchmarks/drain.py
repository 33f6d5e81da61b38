"""How many no-op tasks one process runs a second, beside Go Asynq where Go is installed.

The rounds alternate, and the ratio is of medians: on a shared machine only ratios mean something.

Usage: python benchmarks/drain.py [--tasks 20000] [--rounds 3] [--concurrency 100] [--json FILE]
"""

import argparse
import asyncio
import json
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any
from uuid import uuid4

from pyasynq.broker.enqueue import enqueue, register_queue
from pyasynq.broker.operation import Operation, Repeat, ignore
from pyasynq.broker.prepare import prepare
from pyasynq.broker.runner import Runner
from pyasynq.clock import SystemClock
from pyasynq.connection.connect import Connector
from pyasynq.options import EMPTY
from pyasynq.task import Task
from pyasynq.wire.keys import queue_keys
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.mux import ServeMux
from pyasynq.worker.server import Server

GO_SOURCE = Path(__file__).parent / "go"
BATCH = 500
PAYLOAD = b'{"user_id": 12345, "template": "welcome"}'


def fill(connector: Connector, tasks: int) -> None:
    """Empty the database and enqueue no-op tasks."""
    runner = Runner(connector.open_sync(), clock=SystemClock())
    runner.run(Operation("FLUSHDB", (), (), ignore, Repeat.SAFE))
    keys, now_ns = queue_keys("default"), time.time_ns()
    runner.run(register_queue("default", namespace="asynq"))
    for start in range(0, tasks, BATCH):
        items = [
            prepare(Task("noop", PAYLOAD), EMPTY, keys, now_ns=now_ns, new_id=lambda: str(uuid4()))
            for _ in range(min(BATCH, tasks - start))
        ]
        runner.run(enqueue(items, keys, now_ns=now_ns))
    runner.close()


def drain_python(url: str, concurrency: int, tasks: int) -> float:
    """Run this file again as a worker; return tasks a second."""
    command = [sys.executable, __file__, "--worker", url, str(concurrency), str(tasks)]
    return rate_of(command)


def rate_of(command: list[str]) -> float:
    """Run a worker to its end; return the rate that it prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout.splitlines()[-1])["tasks_per_s"])


async def work(url: str, concurrency: int, tasks: int) -> float:
    """Run *tasks* no-op tasks; return how many a second, from the first to the last start."""
    count, first, last = 0, 0.0, 0.0
    finished = asyncio.Event()
    mux = ServeMux()

    @mux.handler("noop")
    async def noop(_ctx: Any, _task: Task) -> None:
        nonlocal count, first, last
        if not count:
            first = time.perf_counter()
        count += 1
        if count == tasks:
            last = time.perf_counter()
            finished.set()

    async with Server(url, ServerConfig(concurrency=concurrency)).running(mux):
        await finished.wait()
    return tasks / (last - first)


def build_go(folder: str) -> str | None:
    """Build the Go side; None where Go is absent."""
    go = shutil.which("go")
    if go is None:
        print("go is absent: install Go to measure Go Asynq in the same run", file=sys.stderr)
        return None
    binary = str(Path(folder) / "drain")
    subprocess.run([go, "build", "-o", binary, "."], cwd=GO_SOURCE, check=True)
    return binary


def measure(tasks: int, rounds: int, concurrency: int) -> dict[str, Any]:
    """Alternate the sides; return every rate and the ratio of the medians."""
    rates: dict[str, list[float]] = {"pyasynq": [], "go": []}
    connector = Connector.of("embedded:")
    address = connector.description.partition("redis://")[2].partition("/")[0]
    with tempfile.TemporaryDirectory() as folder:
        binary = build_go(folder)
        for _ in range(rounds):
            fill(connector, tasks)
            rates["pyasynq"].append(drain_python(f"redis://{address}/0", concurrency, tasks))
            if binary is not None:
                fill(connector, tasks)
                rates["go"].append(rate_of([binary, address, str(concurrency), str(tasks)]))
    connector.close()
    medians = {side: median(found) for side, found in rates.items() if found}
    return {
        "tasks": tasks,
        "concurrency": concurrency,
        "rates": rates,
        "medians": medians,
        "ratio": medians["pyasynq"] / medians["go"] if "go" in medians else None,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--concurrency", type=int, default=100)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--worker", nargs=3, metavar=("URL", "CONCURRENCY", "TASKS"))
    given = parser.parse_args()
    if given.worker:
        url, concurrency, tasks = given.worker
        rate = asyncio.run(work(url, int(concurrency), int(tasks)))
        print(json.dumps({"tasks_per_s": rate}))
        return
    found = measure(given.tasks, given.rounds, given.concurrency)
    for side, rate in found["medians"].items():
        print(f"{side:8} {rate:8.0f} tasks/s at concurrency {given.concurrency} (median)")
    if found["ratio"] is not None:
        print(f"ratio    {found['ratio']:8.2f}")
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
