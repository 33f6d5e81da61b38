"""Does a task cost the same whatever lies beside it, and what do queues, processes and bytes cost?

Other tasks in the same queue, in each state; queues with weights; processes; payloads.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks.measure.options import Options, read_options
from benchmarks.measure.program import Figures, Program
from benchmarks.measure.question import FIRST, Column, Group, Question, answer
from benchmarks.measure.redis_server import BenchmarkRedis
from benchmarks.measure.sides import PYASYNQ, go_asynq
from benchmarks.measure.stock import Stock

TASKS = 30_000
OTHERS = {  # by state, how many other tasks there are; more than 10 000 archived are trimmed
    "pending": (10, 1_000, 1_000_000),
    "active": (10, 1_000, 10_000),
    "scheduled": (10, 1_000, 1_000_000),
    "completed": (10, 1_000, 100_000),
    "archived": (10, 1_000, 9_999),
}
QUICK_MOST = 20_000  # others in a quick run
CONCURRENCY = 100
QUESTION = Question(
    "scale",
    ("what varies", "case"),
    (
        Column("enqueued/s", "enqueued_per_s"),
        Column("Redis CPU µs", "enqueue_redis_cpu_us"),
        Column("tasks/s", "tasks_per_s"),
        Column("of the first", "tasks_per_s", of=(FIRST,)),
        Column("CPU µs", "cpu_us"),
        Column("Redis CPU µs", "redis_cpu_us"),
        Column("reads of 1 000", "reads_per_1000"),
    ),
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row of a group.

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


def cases(options: Options, go: list[Program]) -> Iterator[tuple[str, list[Case]]]:
    """Return the rows of each group."""
    for state, sizes in OTHERS.items():
        counts = (sizes[0], min(sizes[-1], QUICK_MOST)) if options.is_quick else sizes
        yield (
            f"others {state}",
            [Case(name=f"{count:,}", others=count, state=state) for count in counts],
        )
    yield "queues", [Case(name=f"{count} queues", queues=count) for count in (1, 10, 100)]
    for program in [PYASYNQ, *go]:
        yield (
            f"processes, {program.name}",
            [Case(name=str(count), processes=count, program=program) for count in (1, 2, 4)],
        )
    yield (
        "payload",
        [
            Case(name="100 B", payload_bytes=100),
            Case(name="10 kB", payload_bytes=10_000, tasks=TASKS // 2),
            Case(name="1 MB", payload_bytes=1_000_000, tasks=TASKS // 50),
        ],
    )


def groups(options: Options, go: list[Program]) -> Iterator[Group[Case]]:
    """Return the groups that are asked for, each row with a Redis of its own, stocked already."""
    for name, rows in cases(options, go):
        if options.only and not any(part in name for part in options.only):
            continue
        with ExitStack() as stack:
            servers: dict[str, BenchmarkRedis] = {}
            for case in rows:
                redis = servers[case.name] = stack.enter_context(BenchmarkRedis())
                case.stock(redis).put(case.others, case.state)

            def play(case: Case, servers: dict[str, BenchmarkRedis] = servers) -> Figures:
                tasks = options.tasks(int(case.tasks * case.program.pace))
                return enqueue_and_drain(servers[case.name], case, tasks)

            yield Group(name, rows, play)


def enqueue_and_drain(redis: BenchmarkRedis, case: Case, tasks: int) -> Figures:
    """Enqueue *tasks*, then drain as many, with the others of the case beside them."""
    started_s, before_s = time.monotonic(), redis.cpu_s()
    stock = case.stock(redis)
    each = max(1, tasks // case.queues)
    for queue in case.queue_names:
        stock.enqueue(each, queue)
    enqueued_s, redis_s = time.monotonic() - started_s, redis.cpu_s() - before_s
    tasks = each * case.queues
    return {
        "enqueued_per_s": tasks / enqueued_s,
        "enqueue_redis_cpu_us": redis_s / tasks * 1e6,
    } | drain(redis, case, tasks)


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
    with ExitStack() as stack:
        started = [
            stack.enter_context(case.program.start("drain", redis.address, **parameters))
            for _ in range(case.processes)
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


def main() -> None:
    """Measure what is asked for."""
    options = read_options(__doc__)
    answer(QUESTION, options, groups(options, go_asynq()))


if __name__ == "__main__":
    main()
