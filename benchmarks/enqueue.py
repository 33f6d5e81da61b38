"""How many tasks can one process enqueue a second: one by one, concurrently, in bulk?

Also the longest time for which one script kept Redis busy. Go Asynq has no bulk call: beside ours
it enqueues one by one. "pyasynq" is the client; "typed App" is a declared task, whose arguments are
checked and encoded, and for a bulk call of the peers, too.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.measure.options import Options, read_options
from benchmarks.measure.peers import installed
from benchmarks.measure.program import Figures, Program
from benchmarks.measure.question import FIRST, GO, Column, Group, Question, answer
from benchmarks.measure.redis_server import BenchmarkRedis
from benchmarks.measure.sides import PYASYNQ, go_asynq

SLOW_US = 500  # scripts slower than this are looked at
TYPED_BULK = "20 000 in one typed call"
APP = PYASYNQ.variant("typed App", {"typed": True})
QUESTION = Question(
    "enqueue",
    ("form", "program"),
    (
        Column("tasks/s", "tasks_per_s"),
        Column("of Go or the first", "tasks_per_s", of=(GO, FIRST)),
        Column("CPU µs", "cpu_us"),
        Column("Redis CPU µs", "redis_cpu_us"),
        Column("round trips of 1 000", "reads_per_1000"),
        Column("longest script ms", "longest_ms"),
    ),
)


@dataclass(frozen=True)
class Case:
    """One way to enqueue.

    Attributes:
        name: as shown.
        form: as the programs know it.
        tasks: how many.
        go_form: what Go does beside it; it is left out if None.
        callers: how many enqueue at once.
        with_peers: whether the other Python queues that were asked for are measured too.
        with_client: whether our client is measured.
        with_app: whether a task of a typed App is measured.
    """

    name: str
    form: str
    tasks: int
    go_form: str | None = "single"
    callers: int = 1
    with_peers: bool = True
    with_client: bool = True
    with_app: bool = False


CASES = (
    Case("one by one, blocking", "single", 10_000, with_app=True),
    Case("one by one, awaited", "awaited", 10_000, with_app=True),
    Case("100 at a time", "concurrent", 40_000, "concurrent", callers=100, with_app=True),
    # Most of the others would open as many connections.
    Case("1 000 at a time", "concurrent", 40_000, "concurrent", callers=1_000, with_peers=False),
    Case("batches of 100", "bulk", 40_000),
    Case("10 000 in one call", "at once", 10_000),
    Case(TYPED_BULK, "typed bulk", 20_000, go_form=None, with_client=False, with_app=True),
)


def enqueue(redis: BenchmarkRedis, program: Program, case: Case, tasks: int) -> Figures:
    """Let *program* enqueue; add the figures of Redis."""
    redis.clear()
    redis.watch_slow_commands(SLOW_US)
    before_s, reads = redis.cpu_s(), redis.reads()
    form = case.go_form if program.name == GO else case.form
    figures = program.run("enqueue", redis.address, tasks=tasks, form=form, callers=case.callers)
    figures["redis_cpu_us"] = (redis.cpu_s() - before_s) / tasks * 1e6
    figures["reads_per_1000"] = (redis.reads() - reads) / tasks * 1e3
    figures["longest_ms"] = redis.slowest_ms()
    return figures


def groups(options: Options, go: list[Program], peers: list[Program]) -> Iterator[Group[Program]]:
    """Return every form that is asked for."""
    with BenchmarkRedis() as redis:
        for case in options.chosen(CASES):
            sides = [PYASYNQ] if case.with_client else []
            sides += [APP] if case.with_app else []
            sides += go if case.go_form else []
            sides += [peer for peer in peers if case.form in peer.forms and case.with_peers]

            def play(program: Program, case: Case = case) -> Figures:
                tasks = max(case.callers, options.tasks(int(case.tasks * program.pace)))
                return enqueue(redis, program, case, tasks)

            yield Group(case.name, sides, play)


def main() -> None:
    """Measure what is asked for."""
    options = read_options(__doc__, with_peers=True)
    peers = installed(options.peers)
    answer(QUESTION, options, groups(options, go_asynq(), peers.programs), peers)


if __name__ == "__main__":
    main()
