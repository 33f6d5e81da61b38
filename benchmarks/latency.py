"""How long after it was enqueued, or due, does a task start?

An idle worker; workers under load; tasks of the future; many workers on one queue; many queues.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from benchmarks.measure.options import Options, read_options
from benchmarks.measure.peers import installed
from benchmarks.measure.program import Figures, Program
from benchmarks.measure.question import Column, Group, Question, answer
from benchmarks.measure.redis_server import BenchmarkRedis
from benchmarks.measure.rounds import percentile
from benchmarks.measure.sides import PYASYNQ, go_asynq, produce

QUESTION = Question(
    "latency",
    ("case", "program"),
    (
        Column("p50 ms", "p50_ms"),
        Column("p95 ms", "p95_ms"),
        Column("p99 ms", "p99_ms"),
        Column("earliest ms", "earliest_ms"),
        Column("commands a task", "commands"),
    ),
)


@dataclass(frozen=True)
class Case:
    """One situation.

    Attributes:
        name: as shown.
        samples: how many tasks are timed.
        rate: how many are enqueued a second, on average; all in one call if None.
        delay_s: how far in the future they are scheduled, rounded down to whole seconds.
        processes: how many share the queue.
        extra: further parameters of each.
        with_go: whether Go Asynq is measured too.
        with_peers: whether the other Python queues that were asked for are measured too.
    """

    name: str
    samples: int
    rate: float | None
    delay_s: int = 0
    processes: int = 1
    extra: dict[str, Any] = field(default_factory=dict)
    with_go: bool = True
    with_peers: bool = False


CASES = (
    Case("idle", 40, 2, with_peers=True),
    Case("100 a second", 1_000, 100),
    Case("500 a second", 4_000, 500),
    Case("2 000 a second", 10_000, 2_000),
    Case("scheduled", 60, 20, delay_s=2),
    Case("10 000 due at once", 10_000, None, delay_s=3, with_go=False),
    Case("idle, 17 queues", 40, 2, extra={"queues": 16}, with_go=False),
    Case("idle, 50 queues", 40, 2, extra={"queues": 49}, with_go=False),
    Case("idle, 200 queues", 40, 2, extra={"queues": 199}, with_go=False),
    Case("50 a second, 1 worker", 500, 50, with_go=False),
    Case("50 a second, 50 workers", 500, 50, processes=5, extra={"servers": 10}, with_go=False),
)


def pick_up(redis: BenchmarkRedis, program: Program, case: Case, samples: int) -> Figures:
    """Enqueue at the rate of the case while *program* works; return how late tasks started."""
    redis.clear()
    parameters = {"samples": samples, "concurrency": 100, **case.extra}
    with ExitStack() as stack:
        workers = [
            stack.enter_context(program.start("pick_up", redis.address, **parameters))
            for _ in range(case.processes)
        ]
        for worker in workers:
            worker.wait_until_ready()
        before = redis.executed()
        produce(redis, program, samples=samples, rate=case.rate, delay_s=case.delay_s)
        if case.processes == 1:
            # Before the first one, who enqueues had to connect.
            latencies = workers[0].figures()["latencies_ms"][1:]
            commands = redis.executed() - before
        else:
            redis.wait_until_processed(samples)
            commands = redis.executed() - before
            latencies = [late for worker in workers for late in worker.stop()["latencies_ms"]]
    return {
        "p50_ms": percentile(latencies, 0.5),
        "p95_ms": percentile(latencies, 0.95),
        "p99_ms": percentile(latencies, 0.99),
        "earliest_ms": min(latencies),
        "commands": commands / samples,
    }


def groups(options: Options, go: list[Program], peers: list[Program]) -> Iterator[Group[Program]]:
    """Return every situation that is asked for."""
    with BenchmarkRedis() as redis:
        for case in options.chosen(CASES):
            sides = [PYASYNQ, *(go if case.with_go else []), *(peers if case.with_peers else [])]

            def play(program: Program, case: Case = case) -> Figures:
                return pick_up(redis, program, case, options.tasks(case.samples))

            yield Group(case.name, sides, play)


def main() -> None:
    """Measure what is asked for."""
    options = read_options(__doc__, with_peers=True)
    peers = installed(options.peers)
    answer(QUESTION, options, groups(options, go_asynq(), peers.programs), peers)


if __name__ == "__main__":
    main()
