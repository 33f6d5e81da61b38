"""The goals of pyasynq's speed, and where the figures that they are judged by are recorded."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.measure.peers import PEERS
from benchmarks.measure.question import GO, Results
from benchmarks.measure.record import as_text
from benchmarks.measure.sides import PYASYNQ

HEADS = ("metric", "pyasynq", "Go Asynq", "best Python peer", "Redis ceiling", "goal")
CEILING = "ceiling"
HUNDRED = 100


@dataclass(frozen=True, kw_only=True)
class Goal:
    """One row: figures of one group, those of each side beside each other.

    Attributes:
        metric: what is measured, with its unit.
        goal: what it should be.
        question, group: where the figures are recorded.
        figures: one or more, shown with slashes between them.
        sides: those that are pyasynq's; the figures of each are shown.
        of: the side that the figures are divided by.
        go_group: where Go's side of the same name is, if not in the group as `go asynq`.
        is_rate: whether more is better; then pyasynq's is also shown as a multiple of the others'.
        ceiling: group and side of the record of the ceiling that has the rate of Redis alone.
    """

    metric: str
    goal: str
    question: str
    group: str
    figures: tuple[str, ...]
    sides: tuple[str, ...] = (PYASYNQ.name,)
    of: str = ""
    go_group: str = ""
    is_rate: bool = False
    ceiling: tuple[str, str] | None = None

    def row(self, records: Mapping[str, Results]) -> tuple[str, ...]:
        """Return the cells of the table."""
        group = _group(records, self.question, self.group)
        ours = self._values(group, self.sides)
        if self.go_group:
            go = self._values(_group(records, self.question, self.go_group), self.sides)
        else:
            go = self._values(group, (GO,))
        name, peer = self._best(group)
        shown = _shown(ours)
        if self.is_rate:
            shown += _multiples(ours, [("Go", go), (name, peer)])
        return (
            self.metric,
            shown,
            _shown(go),
            f"{name} {_shown(peer)}" if name else "-",
            self._ceiling(records),
            self.goal,
        )

    def _values(self, group: Mapping[str, Any], sides: Iterable[str]) -> list[float | None]:
        found: list[float | None] = []
        for side in sides:
            medians = group.get(side, {})
            divisor = group.get(self.of, {}) if self.of else {}
            for figure in self.figures:
                value, by = medians.get(figure), divisor.get(figure)
                if self.of:
                    value = value / by if value is not None and by else None
                found.append(value)
        return found

    def _best(self, group: Mapping[str, Any]) -> tuple[str, list[float | None]]:
        """Return the peer that is best by the first of the figures, and its figures."""
        found = {
            name: values
            for name in PEERS
            if (values := self._values(group, (name,)))[0] is not None
        }
        if not found:
            return "", []
        best = max if self.is_rate else min
        name = best(found, key=lambda each: found[each][0] or 0.0)
        return name, found[name]

    def _ceiling(self, records: Mapping[str, Results]) -> str:
        if self.ceiling is None:
            return "-"
        group, side = self.ceiling
        return _shown([_group(records, CEILING, group).get(side, {}).get("tasks_per_s")])


def _group(records: Mapping[str, Results], question: str, group: str) -> dict[str, Any]:
    """Return the medians of each side of a group."""
    return {side["name"]: side["median"] for side in records.get(question, {}).get(group, ())}


def _shown(values: Iterable[float | None]) -> str:
    texts = [as_text(value) for value in values]
    return " / ".join(texts) if any(text != "-" for text in texts) else "-"


def _multiples(ours: list[float | None], others: Iterable[tuple[str, list[float | None]]]) -> str:
    shown = [
        f"{ours[0] / values[0]:.2g} × {name}"
        for name, values in others
        if ours[0] and values and values[0] and ours[0] / values[0] < HUNDRED
    ]
    return f" ({', '.join(shown)})" if shown else ""


def rows(records: Mapping[str, Results]) -> Iterator[tuple[str, ...]]:
    """Return the rows of all goals."""
    for goal in GOALS:
        yield goal.row(records)


def _drain(concurrency: int, goal: str) -> Goal:
    return Goal(
        metric=f"no-op tasks/s, one process, concurrency {concurrency}",
        goal=goal,
        question="drain",
        group=f"concurrency {concurrency}",
        figures=("tasks_per_s",),
        is_rate=True,
        ceiling=("run", f"pyasynq, {min(concurrency, HUNDRED)} a call"),
    )


def _enqueue(form: str, batch: int, goal: str) -> Goal:
    return Goal(
        metric=f"enqueue, tasks/s: {form}",
        goal=goal,
        question="enqueue",
        group=form,
        figures=("tasks_per_s",),
        is_rate=True,
        ceiling=("enqueue", f"pyasynq, {batch} a call"),
    )


def _latency(metric: str, group: str, figures: tuple[str, ...], goal: str) -> Goal:
    return Goal(metric=metric, goal=goal, question="latency", group=group, figures=figures)


GOALS = (
    _drain(10, "≥ 3 × Go, ≥ 9 × peer"),
    _drain(100, "≥ 6 × Go, ≥ 20 × peer"),
    _drain(1000, "≥ 7 × Go"),
    Goal(
        metric="typed App, middleware, retention: share of the bare handler",
        goal="≥ 0.6",
        question="drain",
        group="kinds of handlers, 100",
        figures=("tasks_per_s",),
        sides=("typed App",),
        of=PYASYNQ.name,
    ),
    Goal(
        metric="worker CPU µs a no-op task, concurrency 100",
        goal="≤ 8",
        question="drain",
        group="concurrency 100",
        figures=("cpu_us",),
    ),
    Goal(
        metric="Redis CPU µs a task, dequeue and done",
        goal="≤ 6",
        question=CEILING,
        group="run",
        figures=("redis_cpu_us",),
        sides=("pyasynq, 100 a call",),
    ),
    Goal(
        metric="2 processes instead of 1, on 2 cores with Redis",
        goal="≥ Go's factor",
        question="scale",
        group=f"processes, {PYASYNQ.name}",
        go_group=f"processes, {GO}",
        figures=("tasks_per_s",),
        sides=("2",),
        of="1",
    ),
    _enqueue("one by one, blocking", 1, "≥ 0.9 × Go"),
    _enqueue("100 at a time", 100, "≥ 2.4 × Go"),
    _enqueue("batches of 100", 100, "≥ 2.4 × Go"),
    _latency("pick-up when idle, ms, p50 / p99", "idle", ("p50_ms", "p99_ms"), "≤ 0.8 / 2"),
    _latency("pick-up at 500 a second", "500 a second", ("p50_ms", "p99_ms"), "≤ 0.25 / 1"),
    _latency(
        "lateness of scheduled tasks, ms, p50 / p95 / earliest",
        "scheduled",
        ("p50_ms", "p95_ms", "earliest_ms"),
        "≤ 2 / 10, never early",
    ),
    Goal(
        metric="idle worker, one queue: CPU ms/s; commands sent a second",
        goal="≤ 1; ≤ 3",
        question="idle",
        group="idle",
        figures=("cpu_ms_per_s", "sent_per_s"),
    ),
    Goal(
        metric="RSS MB, idle",
        goal="≤ 35",
        question="idle",
        group="idle",
        figures=("rss_mb",),
    ),
    Goal(
        metric="RSS MB for 1 000 running tasks",
        goal="≤ 4",
        question="memory",
        group="idle, then running tasks",
        figures=("mb_per_1000",),
    ),
    Goal(
        metric="Redis CPU µs a task beside 10 / 10 000 active ones",
        goal="flat",
        question="scale",
        group="others active",
        figures=("redis_cpu_us",),
        sides=("10", "10,000"),
    ),
)
