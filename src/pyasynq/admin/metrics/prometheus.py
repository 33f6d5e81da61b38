"""Answers of Prometheus to range queries, as a report."""

import math
from collections.abc import Mapping

import msgspec

from pyasynq.admin.metrics.report import METRICS, Metric, MetricsReport, QueueSeries

MOST_POINTS = 11_000  # Prometheus answers no query for more


class _Row(msgspec.Struct):
    metric: dict[str, str]
    values: list[tuple[float, str]] = []


class _Data(msgspec.Struct):
    result: list[_Row]


class _Answer(msgspec.Struct):
    status: str
    data: _Data | None = None
    error: str = ""


def report_of(
    answers: Mapping[str, bytes], *, end_s: int, duration_s: int, step_s: int
) -> MetricsReport:
    """Return a report of the answers to range queries, by the names of metrics.

    Where several programs export one queue, the largest of their values counts. A value that is
    not a number, or infinite, is not known.

    Raises:
        ValueError: Prometheus refused a query, or it is not Prometheus that answered.
    """
    first_s = end_s - duration_s
    times_s = range(first_s, end_s + 1, step_s)[:MOST_POINTS]
    return MetricsReport(
        source="prometheus",
        times_s=times_s,
        step_s=step_s,
        series={metric: _series(metric, answers[metric], times_s) for metric in METRICS},
    )


def _series(metric: Metric, answer: bytes, times_s: range) -> list[QueueSeries]:
    try:
        read = msgspec.json.decode(answer, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(
            f"what prometheus answers about {metric} cannot be read: {error}"
        ) from error
    if read.data is None or read.status != "success":
        raise ValueError(f"prometheus refuses the query of {metric}: {read.error or read.status}")
    found: dict[str, list[float | None]] = {}
    for row in read.data.result:
        values = found.setdefault(row.metric.get("queue", ""), [None] * len(times_s))
        for time_s, text in row.values:
            _note(values, round((time_s - times_s.start) / times_s.step), _number(text))
    return [QueueSeries(queue=queue, values=found[queue]) for queue in sorted(found)]


def _note(values: list[float | None], at: int, value: float | None) -> None:
    if value is not None and 0 <= at < len(values):
        before = values[at]
        values[at] = value if before is None else max(before, value)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
