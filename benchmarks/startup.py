"""How long do an import, the command line and a worker take to start, and what do they load?

The worker counts as ready once it logs that it serves; its CPU time includes its end.
"""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from benchmarks.measure.options import Options, read_options
from benchmarks.measure.program import Figures, Program, ProgramFailedError
from benchmarks.measure.question import Column, Group, Question, answer
from benchmarks.measure.redis_server import BenchmarkRedis
from benchmarks.measure.sides import go_asynq

RUNS = 12  # in each round
COMMAND_LINE = "from pyasynq.cli.main import main; main()"
ENQUEUE = """
import sys
from pyasynq import Client, Task
with Client(sys.argv[1]) as client:
    client.enqueue(Task("greet", b""))
"""
IDLE = ("idle", "{address}", '{{"concurrency": 10}}')
QUESTION = Question(
    "startup",
    ("measured", "what starts"),
    (Column("ms", "wall_ms"), Column("CPU ms", "cpu_ms"), Column("modules", "modules")),
)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One thing to start.

    Attributes:
        name: as shown.
        command: program and arguments; `{address}` stands for that of Redis.
        ready: a part of the line that it prints when it is ready; empty if it just ends.
    """

    name: str
    command: tuple[str, ...]
    ready: str = ""


def python(name: str, *arguments: str, ready: str = "") -> Case:
    """Return a case of this interpreter."""
    return Case(name=name, command=(sys.executable, *arguments), ready=ready)


CASES = (
    python("python itself", "-c", "pass"),
    python("import pyasynq", "-c", "import pyasynq"),
    python("import Client and Task", "-c", "from pyasynq import Client, Task"),
    python("enqueue the first task", "-c", ENQUEUE, "redis://{address}/0"),
    python("import App", "-c", "from pyasynq import App"),
    python("import Server", "-c", "from pyasynq import Server"),
    python("pyasynq --help", "-c", COMMAND_LINE, "--help"),
    python(
        "pyasynq worker",
        *("-c", COMMAND_LINE, "worker", "benchmarks.programs.greeter:app"),
        *("--redis-url", "redis://{address}/0"),
        ready=" serves ",
    ),
)


def start(case: Case, address: str) -> Figures:
    """Start it once: milliseconds until it ended or was ready, and of CPU until its end.

    Raises:
        ProgramFailedError: it failed, or was never ready.
    """
    started_s, before_s = time.perf_counter(), _cpu_of_children_s()
    with _process(case, address) as process:
        lines = _lines_until(case, process)
        wall_ms = (time.perf_counter() - started_s) * 1e3
        if case.ready:
            process.terminate()
        process.communicate()
    if process.returncode > 0:
        raise ProgramFailedError(f"{case.name}: {''.join(lines)[-800:]}")
    return {"wall_ms": wall_ms, "cpu_ms": (_cpu_of_children_s() - before_s) * 1e3}


def modules(case: Case, address: str) -> int | None:
    """Return how many modules it imports until it ends or is ready; None if it is not Python."""
    if case.command[0] != sys.executable:
        return None
    with _process(case, address, PYTHONPROFILEIMPORTTIME="1") as process:
        lines = _lines_until(case, process)
        process.terminate()
        process.communicate()
    return sum(line.startswith("import time:") for line in lines) - 1  # one is the heading


def groups(options: Options, go: list[Program]) -> Iterator[Group[Case]]:
    """Return all that is asked for, as one group."""
    programs = [
        Case(name="go asynq worker", command=(*program.command, *IDLE), ready="ready")
        for program in go
    ]
    cases = options.chosen([*CASES, *programs])
    with BenchmarkRedis() as redis:

        def play(case: Case) -> Figures:
            runs = [start(case, redis.address) for _ in range(options.tasks(RUNS))]
            found: Figures = {
                name: median(run[name] for run in runs) for name in ("wall_ms", "cpu_ms")
            }
            return found | {"modules": modules(case, redis.address)}

        yield Group("until it ended or was ready", cases, play)


def main() -> None:
    """Measure what is asked for."""
    options = read_options(__doc__)
    answer(QUESTION, options, groups(options, go_asynq()))


def _process(case: Case, address: str, **variables: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [part.format(address=address) for part in case.command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | variables,
    )


def _lines_until(case: Case, process: "subprocess.Popen[str]") -> list[str]:
    """Read its output until it is ready or has ended."""
    lines = []
    for line in process.stdout or ():
        lines.append(line)
        if case.ready and case.ready in line:
            break
    return lines


def _cpu_of_children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
