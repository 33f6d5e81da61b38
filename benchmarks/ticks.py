"""How late are the ticks of periodic tasks, on an idle machine and when very many are due at once?

A tick is as late as the answer of Redis that its task is stored. The loop delay is the longest time
in which the scheduler gave nothing else on its event loop a turn.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.measure.options import Options, read_options
from benchmarks.measure.program import Figures, Program
from benchmarks.measure.question import Column, Group, Question, answer
from benchmarks.measure.redis_server import BenchmarkRedis
from benchmarks.measure.rounds import percentile

QUESTION = Question(
    "ticks",
    ("case", "program"),
    (
        Column("p50 ms", "p50_ms"),
        Column("p99 ms", "p99_ms"),
        Column("latest ms", "latest_ms"),
        Column("loop delay ms", "loop_ms"),
    ),
)
SCHEDULER = Program(
    "pyasynq", (sys.executable, "-m", "benchmarks.programs.pyasynq_ticks"), frozenset({"tick"})
)


@dataclass(frozen=True)
class Case:
    """One situation: so many entries, which tick so often together."""

    name: str
    entries: int
    ticks: int


CASES = (Case("an entry each second", 1, 60), Case("10 000 due at once", 10_000, 1))


def late(redis: BenchmarkRedis, program: Program, case: Case, ticks: int) -> Figures:
    """Let *program* schedule; return how late its ticks were."""
    redis.clear()
    found = program.run("tick", redis.address, entries=case.entries, ticks=ticks)
    late_ms = found["late_ms"]
    return {
        "p50_ms": percentile(late_ms, 0.5),
        "p99_ms": percentile(late_ms, 0.99),
        "latest_ms": max(late_ms),
        "loop_ms": found["loop_ms"],
    }


def groups(options: Options) -> Iterator[Group[Program]]:
    """Return every situation that is asked for."""
    with BenchmarkRedis() as redis:
        for case in options.chosen(CASES):

            def play(program: Program, case: Case = case) -> Figures:
                return late(redis, program, case, options.tasks(case.ticks))

            yield Group(case.name, [SCHEDULER], play)


def main() -> None:
    """Measure what is asked for."""
    options = read_options(__doc__)
    answer(QUESTION, options, groups(options))


if __name__ == "__main__":
    main()
