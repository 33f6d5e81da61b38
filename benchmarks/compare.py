"""How does each queue do at the same few things: running, enqueueing, picking up when idle?

A short look at all queues side by side; the other scripts look closer at fewer of them. Each queue
enqueues in the quickest form that it has.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks import enqueue, latency
from benchmarks.measure.draining import drained
from benchmarks.measure.options import Options, read_options
from benchmarks.measure.peers import installed
from benchmarks.measure.program import Figures, Program
from benchmarks.measure.question import FIRST, Column, Group, Question, answer
from benchmarks.measure.redis_server import BenchmarkRedis
from benchmarks.measure.sides import PYASYNQ, go_asynq

QUESTION = Question(
    "compare",
    ("what", "program"),
    (
        Column("tasks/s", "tasks_per_s"),
        Column("of the first", "tasks_per_s", of=(FIRST,)),
        Column("ms, p50", "p50_ms"),
        Column("ms, p99", "p99_ms"),
        Column("RSS MB", "rss_mb"),
    ),
)
ONE_BY_ONE, MANY = ("single", "awaited"), ("bulk", "concurrent", "single")
DRAINED, ENQUEUED, SAMPLES = 40_000, 20_000, 30
Measure = Callable[[BenchmarkRedis, Program, Options], Figures]


@dataclass(frozen=True)
class Case:
    """One thing that every queue does.

    Attributes:
        name: as shown.
        measure: lets a program do it.
    """

    name: str
    measure: Measure


def running(concurrency: int) -> Measure:
    """Return what lets a program run no-op tasks."""

    def measure(redis: BenchmarkRedis, program: Program, options: Options) -> Figures:
        tasks = options.tasks(int(DRAINED * program.pace))
        return drained(redis, program, tasks=tasks, concurrency=concurrency)

    return measure


def enqueueing(forms: tuple[str, ...], *, go_form: str) -> Measure:
    """Return what lets a program enqueue in the first of *forms* that it has, and Go in its own."""

    def measure(redis: BenchmarkRedis, program: Program, options: Options) -> Figures:
        form = next(each for each in forms if each in (program.forms or forms))
        case = enqueue.Case(form, form, ENQUEUED, go_form, callers=100)
        # A concurrent call is that of 100 callers, so there are as many tasks at least.
        tasks = max(case.callers, options.tasks(int(case.tasks * program.pace)))
        return enqueue.enqueue(redis, program, case, tasks)

    return measure


def picking_up(redis: BenchmarkRedis, program: Program, options: Options) -> Figures:
    """Let a program that is idle run a task now and then."""
    samples = max(5, options.tasks(SAMPLES))
    return latency.pick_up(redis, program, latency.Case("idle", samples, 2), samples)


CASES = (
    Case("10 no-op tasks at a time", running(10)),
    Case("100 no-op tasks at a time", running(100)),
    Case("enqueue one by one", enqueueing(ONE_BY_ONE, go_form="single")),
    Case("enqueue many", enqueueing(MANY, go_form="concurrent")),
    Case("pick up when idle", picking_up),
)


def groups(options: Options, programs: list[Program]) -> Iterator[Group[Program]]:
    """Return everything that is asked for."""
    with BenchmarkRedis() as redis:
        for case in options.chosen(CASES):

            def play(program: Program, case: Case = case) -> Figures:
                return case.measure(redis, program, options)

            yield Group(case.name, programs, play)


def main() -> None:
    """Measure what is asked for."""
    options = read_options(__doc__, rounds=2, with_peers=True)
    peers = installed(options.peers)
    programs = [PYASYNQ, *go_asynq(), *peers.programs]
    answer(QUESTION, options, groups(options, programs), peers)


if __name__ == "__main__":
    main()
