"""How fast is pyasynq on each version of Python that this machine has?

Each version gets an environment of its own, with pyasynq, its extra `uvloop` and the versions of
packages that the tests use. A version that is not found, or whose environment cannot be made, is
left out. The figures of the oldest are the measure of the others.
"""

import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from benchmarks import enqueue
from benchmarks.measure import interpreters
from benchmarks.measure.draining import drained
from benchmarks.measure.environments import ROOT, InstallError, environment
from benchmarks.measure.interpreters import Version
from benchmarks.measure.options import Options, read_options
from benchmarks.measure.peers import Installed
from benchmarks.measure.program import Figures, Program
from benchmarks.measure.question import FIRST, Column, Group, Question, answer
from benchmarks.measure.redis_server import BenchmarkRedis
from benchmarks.measure.sides import PYASYNQ

TASKS = 80_000
VERSIONS: tuple[Version, ...] = ((3, 11), (3, 12), (3, 13))
EXTRA = "uvloop"
PINNED = ROOT / "requirements" / "constraints.txt"
QUESTION = Question(
    "interpreters",
    ("case", "Python"),
    (
        Column("tasks/s", "tasks_per_s"),
        Column("of the first", "tasks_per_s", of=(FIRST,)),
        Column("CPU µs", "cpu_us"),
        Column("of the first", "cpu_us", of=(FIRST,)),
        Column("RSS MB", "rss_mb"),
    ),
)


@dataclass(frozen=True)
class Case:
    """One group of rows.

    Attributes:
        name: as shown.
        play: measures a program; it gets the Redis and how many tasks there are.
    """

    name: str
    play: Callable[[BenchmarkRedis, Program, int], Figures]


def _draining(name: str, concurrency: int, handler: str = "bare") -> Case:
    def play(redis: BenchmarkRedis, program: Program, tasks: int) -> Figures:
        return drained(redis, program, tasks=tasks, concurrency=concurrency, handler=handler)

    return Case(name, play)


def _enqueueing(form: enqueue.Case) -> Case:
    def play(redis: BenchmarkRedis, program: Program, tasks: int) -> Figures:
        return enqueue.enqueue(redis, program, form, tasks // 4)

    return Case(f"enqueue, {form.name}", play)


CASES = (
    _draining("concurrency 10", 10),
    _draining("concurrency 100", 100),
    _draining("plain functions, concurrency 100", 100, handler="thread"),
    _enqueueing(enqueue.CASES[0]),
)


def requirements() -> list[str]:
    """Return what an environment of pyasynq needs, as pip takes it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return [
        *project["dependencies"],
        *project["optional-dependencies"][EXTRA],
        f"--editable={ROOT}",
        f"--constraint={PINNED}",
    ]


def with_interpreters() -> Installed:
    """Make the environments; return pyasynq with each, and note those that cannot be made."""
    found = Installed()
    for version in VERSIONS:
        name = interpreters.as_text(version)
        try:
            made = environment(f"pyasynq-{name}", requirements(), version=version)
        except InstallError as error:
            print(f"Python {name} cannot be measured: {error}", file=sys.stderr)
            found.record[name] = {"failure": str(error)}
            continue
        found.record[name] = {"versions": made.versions}
        command = (str(made.python), *PYASYNQ.command[1:])
        found.programs.append(replace(PYASYNQ, name=name, command=command))
    return found


def groups(options: Options, programs: list[Program]) -> Iterator[Group[Program]]:
    """Return every case that is asked for."""
    with BenchmarkRedis() as redis:
        for case in options.chosen(CASES):

            def play(program: Program, case: Case = case) -> Figures:
                return case.play(redis, program, options.tasks(TASKS))

            yield Group(case.name, programs, play)


def main() -> None:
    """Measure what is asked for."""
    options = read_options(__doc__)
    found = with_interpreters()
    answer(QUESTION, options, groups(options, found.programs), found)


if __name__ == "__main__":
    main()
