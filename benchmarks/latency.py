"""How long after it was enqueued, or due, does a task start?

An idle worker; workers under load; tasks of the future; many workers on one queue; many queues.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from benchmarks.measure.options import Options, read_options
from benchmarks.measure.peers import installed
from benchmarks.measure.program import Figures, Program
from benchmarks.measure.record import save, table
from benchmarks.measure.redis_server import BenchmarkRedis
from benchmarks.measure.rounds import Series, alternate, percentile
from benchmarks.measure.sides import PYASYNQ, go_asynq, producer_of


@dataclass(frozen=True)
class Case:
    """One situation.

    Attributes:
        name: as shown.
        samples: how many tasks are timed.
        rate: how many are enqueued a second, on average.
        delay_s: how far in the future they are scheduled, rounded down to whole seconds.
        workers: how many processes share the queue.
        extra: further parameters of the worker.
        with_go: whether Go Asynq plays, too.
        with_peers: whether the other Python queues that were asked for play, too.
    """

    name: str
    samples: int
    rate: float
    delay_s: float = 0.0
    workers: int = 1
    extra: dict[str, Any] = field(default_factory=dict)
    with_go: bool = True
    with_peers: bool = False


CASES = (
    Case("idle", 40, 2, with_peers=True),
    Case("100 a second", 1_000, 100),
    Case("500 a second", 4_000, 500),
    Case("2 000 a second", 10_000, 2_000),
    Case("scheduled", 60, 20, delay_s=3),
    Case("10 000 due at once", 10_000, 1e9, delay_s=8, with_go=False),
    Case("idle, 10 queues", 40, 2, extra={"queues": 9}, with_go=False),
    Case("idle, 20 queues: polling", 40, 2, extra={"queues": 19}, with_go=False),
    Case("idle, 50 workers", 40, 2, workers=50, with_go=False),
)


def pick_up(redis: BenchmarkRedis, program: Program, case: Case, samples: int) -> Figures:
    """Enqueue at the rate of the case while *program* works; return how late tasks started."""
    redis.clear()
    parameters = {"samples": samples, "concurrency": 100, **case.extra}
    workers = [program.start("pick_up", redis.address, **parameters) for _ in range(case.workers)]
    for worker in workers:
        worker.wait_until_ready()
    producer_of(program).run(
        "produce", redis.address, samples=samples, rate=case.rate, delay_s=case.delay_s
    )
    if case.workers == 1:
        latencies = workers[0].figures()["latencies_ms"]
    else:
        redis.wait_until_processed(samples)
        latencies = [late for worker in workers for late in worker.stop()["latencies_ms"]]
    return {
        "p50_ms": percentile(latencies, 0.5),
        "p95_ms": percentile(latencies, 0.95),
        "p99_ms": percentile(latencies, 0.99),
        "earliest_ms": min(latencies),
    }


def rows(case: Case, sides: dict[str, Series]) -> Iterator[tuple[object, ...]]:
    """Return one row for each side."""
    for name, series in sides.items():
        figures = ("p50_ms", "p95_ms", "p99_ms", "earliest_ms")
        yield (case.name, name, *(series.median(figure) for figure in figures))


def measure(options: Options) -> None:
    """Measure every case that is asked for, print and record."""
    go, peers = go_asynq(), installed(options.peers)
    found: list[tuple[Case, dict[str, Series]]] = []
    with BenchmarkRedis() as redis:
        for case in options.chosen(CASES):
            sides = [PYASYNQ]
            sides += go if case.with_go else []
            sides += peers.programs if case.with_peers else []

            def play(program: Program, case: Case = case) -> Figures:
                return pick_up(redis, program, case, options.tasks(case.samples))

            found.append((case, alternate(sides, options.rounds, play)))
        version = redis.version
    heads = ("case", "program", "p50 ms", "p95 ms", "p99 ms", "earliest ms")
    print(table(heads, [row for case, sides_found in found for row in rows(case, sides_found)]))
    results = {
        case.name: [series.as_data() for series in sides_found.values()]
        for case, sides_found in found
    }
    peers.report()
    print(save("latency", results, redis_version=version, peers=peers.record, path=options.record))


if __name__ == "__main__":
    measure(read_options(__doc__))
