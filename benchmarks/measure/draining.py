"""Lets a program run a queue empty; what every question about running tasks does."""

from benchmarks.measure.program import Figures, Program
from benchmarks.measure.redis_server import BenchmarkRedis
from benchmarks.measure.sides import fill


def drained(
    redis: BenchmarkRedis,
    program: Program,
    *,
    tasks: int,
    concurrency: int,
    ideal_per_s: float | None = None,
    **parameters: object,
) -> Figures:
    """Fill a queue with *tasks* and let *program* run it empty.

    Args:
        redis: where the queue is.
        program: who runs the tasks.
        tasks: how many.
        concurrency: slots of the program.
        ideal_per_s: the highest rate that the handlers allow, in tasks a second, if there is one.
        parameters: further ones of its role `drain`.
    """
    redis.clear()
    fill(redis, program, tasks)
    before_s = redis.cpu_s()
    found = program.run("drain", redis.address, tasks=tasks, concurrency=concurrency, **parameters)
    rate = found["count"] / (found["ended_s"] - found["started_s"])
    return {
        "tasks_per_s": rate,
        "of_ideal": rate / ideal_per_s if ideal_per_s else None,
        "cpu_us": found["cpu_us"],
        "children_cpu_us": found.get("children_cpu_us"),
        "redis_cpu_us": (redis.cpu_s() - before_s) / tasks * 1e6,
        "rss_mb": found["rss_mb"],
    }
