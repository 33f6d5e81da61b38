"""How many no-op tasks does a worker run a second, and what does each cost?

One process at several numbers of slots, two processes, kinds of handlers, handlers that wait.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from benchmarks.measure.options import Options, read_options
from benchmarks.measure.peers import installed
from benchmarks.measure.program import Figures, Program
from benchmarks.measure.record import save, table
from benchmarks.measure.redis_server import BenchmarkRedis
from benchmarks.measure.rounds import Series, alternate
from benchmarks.measure.sides import PYASYNQ, filler_of, go_asynq

TASKS = 60_000


@dataclass(frozen=True)
class Case:
    """One row of the question.

    Attributes:
        name: as shown.
        concurrency: slots of each process.
        processes: how many share the queue.
        share: of the usual number of tasks.
        extra: further parameters.
        with_go: whether Go Asynq plays, too.
        with_peers: whether the other Python queues that were asked for play, too.
    """

    name: str
    concurrency: int
    processes: int = 1
    share: float = 1.0
    extra: dict[str, Any] = field(default_factory=dict)
    with_go: bool = True
    with_peers: bool = False


CASES = (
    Case("concurrency 1", 1, share=0.2),
    Case("concurrency 10", 10, with_peers=True),
    Case("concurrency 100", 100, with_peers=True),
    Case("concurrency 1000", 1000),
    Case("2 processes of 100", 100, processes=2),
    Case("100, typed App", 100, extra={"handler": "app"}, with_go=False),
    Case("100, threads", 100, share=0.2, extra={"handler": "thread"}, with_go=False),
    Case("100, plain asyncio", 100, extra={"uvloop": False}, with_go=False),
    Case("100 waiting 1 ms", 100, share=0.5, extra={"await_ms": 1}),
    Case("100 waiting 10 ms", 100, share=0.25, extra={"await_ms": 10}),
    Case("100 waiting 100 ms", 100, share=0.05, extra={"await_ms": 100}),
)


def drain(redis: BenchmarkRedis, program: Program, case: Case, tasks: int) -> Figures:
    """Fill a queue and let *program* run it empty."""
    redis.clear()
    filler_of(program).run("fill", redis.address, tasks=tasks)
    before_s = redis.cpu_s()
    parameters = {"tasks": tasks, "concurrency": case.concurrency, **case.extra}
    if case.processes > 1:
        parameters["shared"] = True
    started = [program.start("drain", redis.address, **parameters) for _ in range(case.processes)]
    figures = [found for each in started if (found := each.figures())["count"]]
    first_s = min(each["started_s"] for each in figures)
    return {
        "tasks_per_s": tasks / (max(each["ended_s"] for each in figures) - first_s),
        "cpu_us": max(each["cpu_us"] for each in figures),
        "redis_cpu_us": (redis.cpu_s() - before_s) / tasks * 1e6,
        "rss_mb": max(each["rss_mb"] for each in figures),
    }


def rows(case: Case, sides: dict[str, Series]) -> Iterator[tuple[object, ...]]:
    """Return one row for each side, with its rate as a multiple of Go's."""
    go = sides["go asynq"].median("tasks_per_s") if "go asynq" in sides else None
    for name, series in sides.items():
        rate = series.median("tasks_per_s")
        yield (
            case.name,
            name,
            rate,
            rate / go if rate and go else None,
            *(series.median(figure) for figure in ("cpu_us", "redis_cpu_us", "rss_mb")),
        )


def measure(options: Options) -> None:
    """Measure every case that is asked for, print and record."""
    go, peers = go_asynq(), installed(options.peers)
    found: list[tuple[Case, dict[str, Series]]] = []
    with BenchmarkRedis() as redis:
        for case in options.chosen(CASES):
            tasks = options.tasks(int(TASKS * case.share))
            sides = [PYASYNQ]
            sides += go if case.with_go else []
            sides += peers.programs if case.with_peers else []

            def play(program: Program, case: Case = case, tasks: int = tasks) -> Figures:
                return drain(redis, program, case, int(tasks * program.pace))

            found.append((case, alternate(sides, options.rounds, play)))
        version = redis.version
    heads = ("case", "program", "tasks/s", "of Go", "CPU µs", "Redis CPU µs", "RSS MB")
    print(table(heads, [row for case, sides_found in found for row in rows(case, sides_found)]))
    results = {
        case.name: [series.as_data() for series in sides_found.values()]
        for case, sides_found in found
    }
    peers.report()
    print(save("drain", results, redis_version=version, peers=peers.record, path=options.record))


if __name__ == "__main__":
    measure(read_options(__doc__))
