"""The goals of pyasynq's speed: what they are, and where the figures that judge them are."""

from collections.abc import Iterator

from benchmarks.measure.goal import (
    ARDIQ,
    CEILING,
    HUNDRED,
    PEER,
    Bound,
    Figure,
    Goal,
    Records,
)
from benchmarks.measure.question import FIRST, GO
from benchmarks.measure.sides import PYASYNQ

FLAT = 1.25  # a figure that grows by less is as flat as can be measured


def rows(records: Records) -> Iterator[tuple[str, ...]]:
    """Return the rows of all goals."""
    for goal in GOALS:
        yield goal.row(records)


def _at_least(value: float, times: str = "") -> tuple[Bound, ...]:
    return (Bound(least=value, times=times),)


def _at_most(value: float, times: str = "") -> tuple[Bound, ...]:
    return (Bound(most=value, times=times),)


def _drain(concurrency: int, times_go: float) -> Goal:
    bounds = _at_least(times_go, GO)
    return Goal(
        metric=f"no-op tasks/s, one process, concurrency {concurrency}",
        figures=(Figure(question="drain", group=f"concurrency {concurrency}", bounds=bounds),),
        ceiling=("run", f"pyasynq, {min(concurrency, HUNDRED)} a call"),
    )


def _enqueue(form: str, batch: int, times_go: float) -> Goal:
    bounds = _at_least(times_go, GO)
    return Goal(
        metric=f"enqueue, tasks/s: {form}",
        figures=(Figure(question="enqueue", group=form, bounds=bounds),),
        ceiling=("enqueue", f"pyasynq, {batch} a call"),
    )


def _latency(group: str, **most_ms: float) -> tuple[Figure, ...]:
    return tuple(
        Figure(question="latency", group=group, name=name, bounds=_at_most(most))
        for name, most in most_ms.items()
    )


def _idle(name: str, most: float, side: str = PYASYNQ.name) -> Figure:
    return Figure(question="idle", group="idle", name=name, side=side, bounds=_at_most(most))


GOALS = (
    _drain(1, 1.1),
    _drain(10, 3.5),
    _drain(100, 8.5),
    _drain(1000, 12),
    Goal(
        metric="typed App, middleware, retention: share of the bare handler",
        figures=(
            Figure(
                question="drain",
                group="kinds of handlers, 100",
                side="typed App",
                of=PYASYNQ.name,
                bounds=_at_least(0.85),
            ),
        ),
    ),
    Goal(
        metric="plain functions in threads, concurrency 100: share of the bare coroutine; CPU µs",
        figures=(
            Figure(
                question="threads",
                group="no-op, concurrency 100",
                of="coroutine",
                bounds=_at_least(0.9),
            ),
            Figure(
                question="threads",
                group="no-op, concurrency 100",
                name="cpu_us",
                bounds=_at_most(12),
            ),
        ),
    ),
    Goal(
        metric="handlers in 2 processes: no-op tasks/s; share of the cores at 1 ms of computing",
        figures=(
            Figure(
                question="processes",
                group="no-op, 2 processes",
                bounds=_at_least(7_000) + _at_least(3, PEER),
            ),
            Figure(
                question="processes",
                group="computing 1 ms, 2 processes",
                name="of_ideal",
                bounds=_at_least(0.9),
            ),
        ),
    ),
    Goal(
        metric="worker CPU µs a no-op task, concurrency 100",
        figures=(
            Figure(question="drain", group="concurrency 100", name="cpu_us", bounds=_at_most(8)),
        ),
    ),
    Goal(
        metric="Redis CPU µs a task, dequeue and done",
        figures=(
            Figure(
                question=CEILING,
                group="run",
                name="redis_cpu_us",
                side="pyasynq, 100 a call",
                bounds=_at_most(7),
            ),
        ),
    ),
    Goal(
        metric="2 processes instead of 1, on 2 cores with Redis",
        figures=(
            Figure(
                question="scale",
                group=f"processes, {PYASYNQ.name}",
                go_group=f"processes, {GO}",
                side="2",
                of="1",
                bounds=_at_least(1, GO),
            ),
        ),
    ),
    Goal(
        metric="enqueue, tasks/s: one by one, blocking / awaited",
        figures=(
            Figure(question="enqueue", group="one by one, blocking", bounds=_at_least(0.9, GO)),
            Figure(question="enqueue", group="one by one, awaited", bounds=_at_least(1, GO)),
        ),
        ceiling=("enqueue", "pyasynq, 1 a call"),
    ),
    _enqueue("100 at a time", 100, 3),
    _enqueue("batches of 100", 100, 9),
    Goal(
        metric="enqueue, tasks/s: 20 000 calls of a typed task at once",
        figures=(
            Figure(
                question="enqueue",
                group="20 000 in one typed call",
                side="typed App",
                bounds=_at_least(1.2, ARDIQ),
            ),
        ),
        ceiling=("enqueue", "pyasynq, 100 a call"),
    ),
    Goal(
        metric="pick-up when idle, ms, p50 / p99",
        figures=_latency("idle", p50_ms=0.8, p99_ms=2),
    ),
    Goal(
        metric="pick-up at 500 a second, ms, p50 / p99",
        figures=_latency("500 a second", p50_ms=0.25, p99_ms=1),
    ),
    Goal(
        metric="pick-up when idle with 17 / 50 / 200 queues, ms, p50; commands sent a second",
        figures=(
            *_latency("idle, 17 queues", p50_ms=3),
            *_latency("idle, 50 queues", p50_ms=3),
            *_latency("idle, 200 queues", p50_ms=3),
            _idle("sent_per_s", 3, side="pyasynq worker, 200 queues"),
        ),
    ),
    Goal(
        metric="lateness of scheduled tasks, ms, p50 / p95 / earliest",
        figures=(
            *_latency("scheduled", p50_ms=2, p95_ms=5),
            Figure(question="latency", group="scheduled", name="earliest_ms", bounds=_at_least(0)),
        ),
    ),
    Goal(
        metric="idle worker, one queue: CPU ms/s; commands sent a second",
        figures=(_idle("cpu_ms_per_s", 1), _idle("sent_per_s", 3)),
    ),
    Goal(
        metric="RSS MB, idle; for 1 000 running tasks",
        figures=(
            _idle("rss_mb", 38),
            Figure(
                question="memory",
                group="idle, then running tasks",
                name="mb_per_1000",
                bounds=_at_most(4),
            ),
        ),
    ),
    Goal(
        metric="Redis CPU µs a task beside 10 / 10 000 active ones",
        figures=(
            Figure(question="scale", group="others active", name="redis_cpu_us", side="10"),
            Figure(
                question="scale",
                group="others active",
                name="redis_cpu_us",
                side="10,000",
                bounds=_at_most(FLAT, FIRST),
            ),
        ),
    ),
)
