"""How many tasks can one process enqueue a second: one by one, concurrently, in bulk?

Also the longest time for which one script of a bulk of 10 000 kept Redis busy.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.measure.options import Options, read_options
from benchmarks.measure.peers import installed
from benchmarks.measure.program import Figures, Program
from benchmarks.measure.record import save, table
from benchmarks.measure.redis_server import BenchmarkRedis
from benchmarks.measure.rounds import Series, alternate
from benchmarks.measure.sides import PYASYNQ, go_asynq

SLOW_US = 500  # scripts slower than this are looked at


@dataclass(frozen=True)
class Case:
    """One way to enqueue.

    Attributes:
        name: as shown.
        form: as the programs know it.
        tasks: how many.
        go_form: what Go does beside it; empty if it has nothing of the kind.
    """

    name: str
    form: str
    tasks: int
    go_form: str = ""


CASES = (
    Case("one by one, blocking", "single", 10_000, go_form="single"),
    Case("one by one, awaited", "awaited", 10_000, go_form="single"),
    Case("100 at a time", "concurrent", 40_000, go_form="concurrent"),
    Case("batches of 100", "bulk", 40_000, go_form="single"),
    Case("10 000 in one call", "at once", 10_000, go_form="single"),
)


def enqueue(redis: BenchmarkRedis, program: Program, case: Case, tasks: int) -> Figures:
    """Let *program* enqueue; add what Redis says."""
    redis.clear()
    redis.watch_slow_commands(SLOW_US)
    before_s = redis.cpu_s()
    form = case.go_form if program.name == "go asynq" else case.form
    figures = program.run("enqueue", redis.address, tasks=tasks, form=form)
    figures["redis_cpu_us"] = (redis.cpu_s() - before_s) / tasks * 1e6
    figures["longest_ms"] = redis.slowest_ms()
    return figures


def rows(case: Case, sides: dict[str, Series]) -> Iterator[tuple[object, ...]]:
    """Return one row for each side, with its rate as a multiple of Go's."""
    go = sides["go asynq"].median("tasks_per_s") if "go asynq" in sides else None
    for name, series in sides.items():
        rate = series.median("tasks_per_s")
        figures = [series.median(each) for each in ("cpu_us", "redis_cpu_us", "longest_ms")]
        yield (case.name, name, rate, rate / go if rate and go else None, *figures)


def measure(options: Options) -> None:
    """Measure every case that is asked for, print and record."""
    go, peers = go_asynq(), installed(options.peers)
    found: list[tuple[Case, dict[str, Series]]] = []
    with BenchmarkRedis() as redis:
        for case in options.chosen(CASES):
            sides = [PYASYNQ]
            sides += go if case.go_form else []
            sides += [peer for peer in peers.programs if case.form in peer.forms]

            def play(program: Program, case: Case = case) -> Figures:
                return enqueue(redis, program, case, options.tasks(int(case.tasks * program.pace)))

            found.append((case, alternate(sides, options.rounds, play)))
        version = redis.version
    heads = ("form", "program", "tasks/s", "of Go", "CPU µs", "Redis CPU µs", "longest script ms")
    print(table(heads, [row for case, sides_found in found for row in rows(case, sides_found)]))
    results = {
        case.name: [series.as_data() for series in sides_found.values()]
        for case, sides_found in found
    }
    peers.report()
    print(save("enqueue", results, redis_version=version, peers=peers.record, path=options.record))


if __name__ == "__main__":
    measure(read_options(__doc__))
