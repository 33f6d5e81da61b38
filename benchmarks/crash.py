"""What becomes of tasks whose worker is killed, and how long does it take?

A worker takes as many tasks as it can, none of which ends, and is killed. Another one follows it at
once. Each queue has its own settings for that and keeps them, because they are what a crash meets
that nobody has prepared; only that messages are acknowledged after their tasks is set where it must
be. Each has a Redis of its own; all run at the same time.
"""

import signal
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.measure.ledger import Ledger
from benchmarks.measure.options import Options, read_options
from benchmarks.measure.peers import installed
from benchmarks.measure.program import Figures, Program
from benchmarks.measure.question import Column, Group, Question, answer
from benchmarks.measure.redis_server import BenchmarkRedis
from benchmarks.measure.sides import PYASYNQ, go_asynq, produce

TASKS, CONCURRENCY, RATE = 20, 10, 100
STEADY_S = 5.0  # without another start, no task of the first worker is about to start
LIMIT_S, QUICK_LIMIT_S = 660.0, 100.0
FOR_EVER_S = 3600
LOOK_S = 0.05
QUESTION = Question(
    "crash",
    ("killed", "program"),
    (
        Column("tasks", "tasks"),
        Column("running at the kill", "running"),
        Column("of these run again", "run_again"),
        Column("all of these after s", "running_s"),
        Column("waiting ones run", "waiting_run"),
        Column("all of these after s", "waiting_s"),
        Column("run twice by the second worker", "twice"),
    ),
)


def crash(program: Program, *, limit_s: float) -> Figures:
    """Kill a worker of *program*; return what a second one runs within *limit_s* of the kill."""
    with BenchmarkRedis() as redis, tempfile.TemporaryDirectory() as folder:
        ledgers = [Ledger(Path(folder) / name) for name in ("first", "second")]
        first, second = ledgers
        start = partial(program.start, "linger", redis.address, concurrency=CONCURRENCY)
        with start(ledger=str(first.path), linger_s=FOR_EVER_S) as worker:
            worker.wait_until_ready()
            produce(redis, program, samples=TASKS, rate=RATE, delay_s=0)
            first.wait_until_steady(STEADY_S, LOOK_S)
            worker.process.send_signal(signal.SIGKILL)
            worker.process.wait()
        killed_s = time.monotonic()
        with start(ledger=str(second.path), linger_s=0) as worker:
            worker.wait_until_ready()
            second.wait_until(TASKS, LOOK_S, end_s=killed_s + limit_s)
    running, run = set(first.seen), second.seen
    again = {number: at_s for number, at_s in run.items() if number in running}
    others = {number: at_s for number, at_s in run.items() if number not in running}
    return {
        "tasks": TASKS,
        "running": len(running),
        "run_again": len(again),
        "running_s": _until_all(again, len(running), killed_s),
        "waiting_run": len(others),
        "waiting_s": _until_all(others, TASKS - len(running), killed_s),
        "twice": second.repeated,
        "limit_s": limit_s,
    }


def _until_all(starts: dict[str, float], wanted: int, killed_s: float) -> float | None:
    """Return after how long the last of all tasks started; None if some did not, or there are none.

    Args:
        starts: when each started, by its number.
        wanted: how many there are.
        killed_s: when the first worker was killed.
    """
    return max(starts.values()) - killed_s if wanted and len(starts) == wanted else None


def groups(options: Options, programs: list[Program]) -> Iterator[Group[Program]]:
    """Return the one group, of all programs."""
    limit_s = QUICK_LIMIT_S if options.is_quick else LIMIT_S
    yield Group("worker", programs, partial(crash, limit_s=limit_s), at_once=True)


def main() -> None:
    """Measure what is asked for."""
    options = read_options(__doc__, rounds=1, with_peers=True)
    peers = installed(options.peers)
    programs = [PYASYNQ, *go_asynq(), *peers.programs]
    answer(QUESTION, options, groups(options, programs), peers)


if __name__ == "__main__":
    main()
