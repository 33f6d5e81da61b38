"""What does it cost to know what a worker does: metrics, statistics, and traces of no-op tasks?

A worker always counts; here somebody asks for its readings once a second, it writes statistics, or
each task has a span.
"""

from collections.abc import Iterator
from typing import Any

from benchmarks.measure.draining import drained
from benchmarks.measure.options import Options, read_options
from benchmarks.measure.program import Figures, Program
from benchmarks.measure.question import FIRST, Column, Group, Question, answer
from benchmarks.measure.redis_server import BenchmarkRedis
from benchmarks.measure.sides import PYASYNQ

TASKS = 80_000
CONCURRENCIES = (10, 100)
QUESTION = Question(
    "observability",
    ("case", "worker"),
    (
        Column("tasks/s", "tasks_per_s"),
        Column("CPU µs", "cpu_us"),
        Column("of the first", "cpu_us", of=(FIRST,)),
        Column("Redis CPU µs", "redis_cpu_us"),
        Column("RSS MB", "rss_mb"),
    ),
)
VARIANTS: dict[str, dict[str, Any]] = {
    "read once a second": {"read_every_s": 1.0},
    "statistics": {"statistics": True},
    "both": {"read_every_s": 1.0, "statistics": True},
    "tracing, API only": {"tracing": "api"},
    "tracing, sampled out": {"tracing": "sampled out"},
    "tracing, exported": {"tracing": "batch"},
}


def groups(options: Options) -> Iterator[Group[Program]]:
    """Return every case that is asked for."""
    sides = [PYASYNQ, *(PYASYNQ.variant(*each) for each in VARIANTS.items())]
    with BenchmarkRedis() as redis:
        for concurrency in CONCURRENCIES:

            def play(program: Program, concurrency: int = concurrency) -> Figures:
                tasks = options.tasks(TASKS)
                return drained(redis, program, tasks=tasks, concurrency=concurrency)

            yield Group(f"concurrency {concurrency}", sides, play)


def main() -> None:
    """Measure what is asked for."""
    options = read_options(__doc__)
    answer(QUESTION, options, groups(options))


if __name__ == "__main__":
    main()
