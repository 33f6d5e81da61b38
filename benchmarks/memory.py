"""How much memory does a worker take: idle, for tasks that run, and after very many tasks?"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from benchmarks.measure.bytecode import compile_package
from benchmarks.measure.options import Options, read_options
from benchmarks.measure.program import Figures, Program
from benchmarks.measure.record import THOUSAND, save, table
from benchmarks.measure.redis_server import BenchmarkRedis
from benchmarks.measure.rounds import Series, alternate
from benchmarks.measure.sides import PYASYNQ, go_asynq
from benchmarks.measure.stock import Stock

RUNNING = 10_000
MANY, FEWER = 1_000_000, 100_000
MEMORY = replace(
    PYASYNQ,
    command=(*PYASYNQ.command[:-1], "benchmarks.programs.pyasynq_memory"),
    roles=frozenset({"hold", "endure"}),
)


def held(redis: BenchmarkRedis, program: Program, tasks: int) -> Figures:
    """Let *tasks* run at the same time, for longer than a heartbeat takes to come."""
    redis.clear()
    worker = program.start("hold", redis.address, tasks=tasks, concurrency=tasks, hold_s=6)
    worker.wait_until_ready()
    Stock(redis.url).enqueue(tasks)
    figures = worker.figures()
    each_kb = (figures["held_mb"] - figures["before_mb"]) * 1024 / tasks
    return figures | {"mb_per_1000": each_kb * THOUSAND / 1024}


def endured(redis: BenchmarkRedis, program: Program, tasks: int) -> Figures:
    """Run *tasks*, and compare what is resident after a tenth and at the end."""
    redis.clear()
    Stock(redis.url).enqueue(tasks)
    figures = program.run("endure", redis.address, tasks=tasks, concurrency=100)
    return figures | {"grown_mb": figures["late_mb"] - figures["early_mb"]}


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row of the question.

    Attributes:
        name: as shown.
        play: measures it once.
        tasks: how many.
        earlier, later: names of the figures that are compared.
        difference: name of the figure that tells by how much they differ.
        with_go: whether Go Asynq plays, too.
    """

    name: str
    play: Callable[[BenchmarkRedis, Program, int], Figures]
    tasks: int
    earlier: str
    later: str
    difference: str
    with_go: bool


def cases(options: Options) -> list[Case]:
    """Return the cases that are asked for."""
    many = FEWER if options.share < 1 else MANY
    hold = Case(
        name="idle, then 1 000 running tasks",
        play=held,
        tasks=options.tasks(RUNNING),
        earlier="before_mb",
        later="held_mb",
        difference="mb_per_1000",
        with_go=True,
    )
    endure = Case(
        name=f"after {many // 10} of {many} tasks, and all",
        play=endured,
        tasks=many,
        earlier="early_mb",
        later="late_mb",
        difference="grown_mb",
        with_go=False,
    )
    return options.chosen([hold, endure])


def rows(case: Case, sides: dict[str, Series]) -> Iterator[tuple[object, ...]]:
    """Return one row for each side."""
    for name, series in sides.items():
        figures = (case.earlier, case.later, case.difference)
        yield (case.name, name, case.tasks, *(series.median(figure) for figure in figures))


def measure(options: Options) -> None:
    """Measure every case that is asked for, print and record."""
    go = go_asynq()
    compile_package()
    found: list[tuple[Case, dict[str, Series]]] = []
    with BenchmarkRedis() as redis:
        for case in cases(options):
            sides = [MEMORY, *(go if case.with_go else [])]

            def play(program: Program, case: Case = case) -> Figures:
                return case.play(redis, program, case.tasks)

            found.append((case, alternate(sides, options.rounds, play)))
        version = redis.version
    heads = ("case", "program", "tasks", "RSS MB before", "after", "for 1 000, or growth")
    print(table(heads, [row for case, sides_found in found for row in rows(case, sides_found)]))
    results = {
        case.name: [series.as_data() for series in sides_found.values()]
        for case, sides_found in found
    }
    print(save("memory", results, redis_version=version, path=options.record))


if __name__ == "__main__":
    measure(read_options(__doc__))
