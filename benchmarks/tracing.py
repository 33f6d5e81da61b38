"""What does tracing with OpenTelemetry cost a task: in the worker, and when it is enqueued?

No-op tasks, which show nothing but that. The handler of a real task hides most of it.
"""

from collections.abc import Iterator

from benchmarks.drain import TASKS
from benchmarks.measure.draining import drained
from benchmarks.measure.options import Options, read_options
from benchmarks.measure.program import Figures, Program
from benchmarks.measure.question import Column, Group, Question, answer
from benchmarks.measure.redis_server import BenchmarkRedis
from benchmarks.measure.sides import PYASYNQ

KINDS = ("api", "sampled out", "memory", "batch")  # see pyasynq_tracing.py, which needs the SDK
SIDES = [PYASYNQ, *(PYASYNQ.variant(kind, {"tracing": kind}) for kind in KINDS)]
HANDLERS = {"coroutine functions": "bare", "plain functions": "thread"}
FORMS = {"enqueue, awaited": "awaited", "enqueue_many of 100": "bulk"}
ENQUEUED = 20_000
QUESTION = Question(
    "tracing",
    ("case", "tracing"),
    (
        Column("tasks/s", "tasks_per_s"),
        Column("of without", "tasks_per_s", of=(PYASYNQ.name,)),
        Column("CPU µs", "cpu_us"),
    ),
)


def groups(options: Options) -> Iterator[Group[Program]]:
    """Return every case that is asked for."""
    with BenchmarkRedis() as redis:
        for name, handler in HANDLERS.items():

            def drain(program: Program, handler: str = handler) -> Figures:
                tasks = options.tasks(TASKS // 2)
                return drained(redis, program, tasks=tasks, concurrency=100, handler=handler)

            yield Group(name, SIDES, drain)
        for name, form in FORMS.items():

            def enqueue(program: Program, form: str = form) -> Figures:
                redis.clear()
                tasks = options.tasks(ENQUEUED)
                return program.run("enqueue", redis.address, tasks=tasks, form=form, callers=1)

            yield Group(name, SIDES, enqueue)


def main() -> None:
    """Measure what is asked for."""
    options = read_options(__doc__)
    answer(QUESTION, options, groups(options))


if __name__ == "__main__":
    main()
