"""Does a task cost the same whatever lies beside it, and what do more queues and processes cost?

Other tasks in the same queue, in each state; queues with weights; processes; payloads.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks.measure.options import Options, read_options
from benchmarks.measure.program import Figures, Program
from benchmarks.measure.record import save, table
from benchmarks.measure.redis_server import BenchmarkRedis
from benchmarks.measure.rounds import Series, alternate
from benchmarks.measure.sides import PYASYNQ, go_asynq
from benchmarks.measure.stock import STATES, Stock

TASKS = 20_000
SIZES = (10, 1_000, 100_000)
LARGEST = 1_000_000
MOST_ARCHIVED = 9_999  # more are trimmed
CONCURRENCY = 100


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row of the question; the rows of a group take turns.

    Attributes:
        name: as shown.
        tasks: how many are enqueued and drained.
        program: who drains them.
        others: how many other tasks are in the queue.
        state: that of the others.
        queues: over how many queues the tasks are spread.
        processes: how many share the work.
        payload_bytes: size of each payload; that of the usual small JSON if None.
    """

    name: str
    tasks: int = TASKS
    program: Program = PYASYNQ
    others: int = 0
    state: str = "pending"
    queues: int = 1
    processes: int = 1
    payload_bytes: int | None = None

    def stock(self, redis: BenchmarkRedis) -> Stock:
        """Return what enqueues the tasks of this case."""
        return Stock(redis.url, payload_bytes=self.payload_bytes)

    @property
    def queue_names(self) -> list[str]:
        """The queues as the programs name them."""
        return [*(f"q{number}" for number in range(self.queues - 1)), "default"]


def groups(*, is_short: bool, go: list[Program]) -> Iterator[list[Case]]:
    """Return the cases that are to be compared with each other, group by group."""
    for state in STATES:
        most = MOST_ARCHIVED if state == "archived" else LARGEST
        sizes = SIZES if is_short else (*SIZES, LARGEST)
        yield [
            Case(name=f"{size} others {state}", others=size, state=state)
            for size in sorted({min(size, most) for size in sizes})
        ]
    yield [Case(name=f"{count} queues", queues=count) for count in (1, 10, 100)]
    yield [
        Case(name=f"{count} processes, {program.name}", processes=count, program=program)
        for program in [PYASYNQ, *go]
        for count in (1, 2, 4)
    ]
    yield [
        Case(name="payload 100 B", payload_bytes=100),
        Case(name="payload 10 kB", payload_bytes=10_000, tasks=TASKS // 2),
        Case(name="payload 1 MB", payload_bytes=1_000_000, tasks=TASKS // 50),
    ]


def play(redis: BenchmarkRedis, case: Case, tasks: int) -> Figures:
    """Enqueue *tasks*, then drain as many, with the others of the case beside them."""
    started_s, before_s = time.monotonic(), redis.cpu_s()
    stock = case.stock(redis)
    for queue in case.queue_names:
        stock.enqueue(tasks // case.queues, queue)
    enqueued_s, redis_s = time.monotonic() - started_s, redis.cpu_s() - before_s
    return {
        "enqueued_per_s": tasks / enqueued_s,
        "enqueue_redis_cpu_us": redis_s / tasks * 1e6,
    } | drain(redis, case, tasks // case.queues * case.queues)


def drain(redis: BenchmarkRedis, case: Case, tasks: int) -> Figures:
    """Run *tasks* and return the cost of each."""
    parameters = {
        "tasks": tasks,
        "concurrency": CONCURRENCY,
        "queues": case.queues - 1,
        "shared": case.processes > 1,
        "stocked": case.others > 0,
    }
    before_s, reads, done = redis.cpu_s(), redis.reads(), redis.processed(case.queue_names)
    started = [
        case.program.start("drain", redis.address, **parameters) for _ in range(case.processes)
    ]
    figures = [found for each in started if (found := each.figures())["count"]]
    # A worker beside pending tasks runs a few more until it stops.
    done = redis.processed(case.queue_names) - done
    seconds = max(each["ended_s"] for each in figures) - min(each["started_s"] for each in figures)
    return {
        "tasks_per_s": tasks / seconds,
        "cpu_us": max(each["cpu_us"] for each in figures),
        "redis_cpu_us": (redis.cpu_s() - before_s) / done * 1e6,
        "reads_per_1000": (redis.reads() - reads) / done * 1e3,
    }


FIGURES = (
    "enqueued_per_s",
    "enqueue_redis_cpu_us",
    "tasks_per_s",
    "cpu_us",
    "redis_cpu_us",
    "reads_per_1000",
)
HEADS = (
    "case",
    "enqueued/s",
    "Redis CPU µs",
    "tasks/s",
    "of the first",
    "CPU µs",
    "Redis CPU µs",
    "reads of 1 000",
)


def rows(found: dict[str, Series]) -> Iterator[tuple[object, ...]]:
    """Return one row for each case of a group; rates of drains as shares of the first one."""
    first: float | None = None
    for name, series in found.items():
        figures = [series.median(figure) for figure in FIGURES]
        rate = series.median("tasks_per_s")
        first = first or rate
        yield (name, *figures[:3], rate / first if rate and first else None, *figures[3:])


def measure(options: Options) -> None:
    """Measure every case that is asked for, print and record."""
    shown: list[tuple[object, ...]] = []
    results: dict[str, object] = {}
    version = ""
    for group in groups(is_short=options.share < 1, go=go_asynq()):
        cases = options.chosen(group)
        with ExitStack() as stack:
            servers: dict[str, BenchmarkRedis] = {}
            for case in cases:
                redis = servers[case.name] = stack.enter_context(BenchmarkRedis())
                version = redis.version
                case.stock(redis).put(case.others, case.state)

            def measured(case: Case, servers: dict[str, BenchmarkRedis] = servers) -> Figures:
                tasks = options.tasks(int(case.tasks * case.program.pace))
                return play(servers[case.name], case, tasks)

            found = alternate(cases, options.rounds, measured)
        shown += rows(found)
        results |= {name: series.as_data() for name, series in found.items()}
    print(table(HEADS, shown))
    print(save("scale", results, redis_version=version, path=options.record))


if __name__ == "__main__":
    measure(read_options(__doc__))
