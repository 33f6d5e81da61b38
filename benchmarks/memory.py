"""How much memory does a worker take: idle, for tasks that run, and after very many tasks?"""

from collections.abc import Iterator
from dataclasses import replace

from benchmarks.measure.options import Options, read_options
from benchmarks.measure.program import Figures, Program
from benchmarks.measure.question import Column, Group, Question, answer
from benchmarks.measure.record import THOUSAND
from benchmarks.measure.redis_server import BenchmarkRedis
from benchmarks.measure.sides import PYASYNQ, go_asynq
from benchmarks.measure.stock import Stock

RUNNING = 10_000
MANY, QUICK_MANY = 1_000_000, 20_000
HOLD_S = 6  # longer than a heartbeat takes to come
MEMORY = replace(PYASYNQ, command=(*PYASYNQ.command[:-1], "benchmarks.programs.pyasynq_memory"))
QUESTION = Question(
    "memory",
    ("case", "program"),
    (
        Column("tasks", "tasks"),
        Column("RSS MB before", "before_mb"),
        Column("after", "after_mb"),
        Column("growth", "grown_mb"),
        Column("for 1 000", "mb_per_1000"),
    ),
)


def held(redis: BenchmarkRedis, program: Program, tasks: int) -> Figures:
    """Let *tasks* run at the same time, for longer than a heartbeat takes to come."""
    redis.clear()
    with program.start(
        "hold", redis.address, tasks=tasks, concurrency=tasks, hold_s=HOLD_S
    ) as worker:
        worker.wait_until_ready()
        Stock(redis.url).enqueue(tasks)
        return _grown(worker.figures(), tasks)


def endured(redis: BenchmarkRedis, program: Program, tasks: int) -> Figures:
    """Run *tasks*, and compare what is resident after a tenth and at the end."""
    redis.clear()
    Stock(redis.url).enqueue(tasks)
    return _grown(program.run("endure", redis.address, tasks=tasks, concurrency=100), tasks)


def _grown(found: Figures, tasks: int) -> Figures:
    grown_mb = found["after_mb"] - found["before_mb"]
    per_1000 = grown_mb / tasks * THOUSAND
    return found | {"tasks": tasks, "grown_mb": grown_mb, "mb_per_1000": per_1000}


def groups(options: Options, go: list[Program]) -> Iterator[Group[Program]]:
    """Return both cases; the long one is measured once, because it compares nothing."""
    running, many = options.tasks(RUNNING), QUICK_MANY if options.is_quick else MANY
    with BenchmarkRedis() as redis:
        yield Group(
            "idle, then running tasks",
            options.chosen([MEMORY, *go]),
            lambda program: held(redis, program, running),
        )
        yield Group(
            "after a tenth, and all",
            options.chosen([MEMORY]),
            lambda program: endured(redis, program, many),
            rounds=1,
        )


def main() -> None:
    """Measure what is asked for."""
    options = read_options(__doc__)
    answer(QUESTION, options, groups(options, go_asynq()))


if __name__ == "__main__":
    main()
