"""What the page of metrics shows, wherever it comes from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeVar, get_args

T = TypeVar("T")

Metric = Literal[
    "tasks_processed_per_second",
    "tasks_failed_per_second",
    "error_rate",
    "queue_size",
    "queue_latency_seconds",
    "queue_memory_usage_approx_bytes",
    "pending_tasks_by_queue",
    "retry_tasks_by_queue",
    "archived_tasks_by_queue",
]
"""As asynqmon v0.7.2 names them, in the order of its page."""

METRICS: tuple[Metric, ...] = get_args(Metric)

UNITS: Mapping[Metric, str] = {
    "tasks_processed_per_second": "/s",
    "tasks_failed_per_second": "/s",
    "error_rate": "%",
    "queue_latency_seconds": "s",
    "queue_memory_usage_approx_bytes": "B",
}
"""Units of the metrics that are not numbers of tasks; an error rate is a share from 0 to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSeries:
    """One metric of one queue over time.

    Attributes:
        queue: its name.
        values: one for each of the times; None where nothing is known.
    """

    queue: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsReport:
    """Metrics of queues over time.

    Attributes:
        source: where they come from: "own" sampling, or "prometheus".
        times_s: seconds since the epoch, ascending, each *step_s* after the one before.
        step_s: seconds between two of them.
        series: of each of `METRICS`, the queues of which anything is known, sorted by name.
        began_s: since when own sampling knows anything; None if it knows nothing yet, or for
            Prometheus.
        left_out: how many queues are left out, since there are too many.
    """

    source: Literal["own", "prometheus"]
    times_s: Sequence[int]
    step_s: int
    series: Mapping[Metric, Sequence[QueueSeries]]
    began_s: int | None = None
    left_out: int = 0


def busiest(processed: Mapping[str, float], sizes: Mapping[str, float], most: int) -> list[str]:
    """Return the queues that do or hold the most, sorted by name.

    Args:
        processed, sizes: of each queue, in whatever unit.
        most: how many queues.
    """
    weights = dict.fromkeys([*processed, *sizes], 0.0)
    for values in (processed, sizes):
        # Shares of the largest, since a queue may be busy and empty, or idle and full.
        largest = max(values.values(), default=0) or 1
        for queue, value in values.items():
            weights[queue] += value / largest
    return sorted(sorted(weights, key=lambda queue: (-weights[queue], queue))[:most])


def busiest_of(report: MetricsReport, most: int) -> list[str]:
    """Return the queues of a report that do or hold the most, sorted by name."""
    processed, sizes = (
        {row.queue: sum(filter(None, row.values)) for row in report.series[metric]}
        for metric in ("tasks_processed_per_second", "queue_size")
    )
    return busiest(processed, sizes, most)


def narrowed(report: MetricsReport, queues: Iterable[str]) -> MetricsReport:
    """Return a report of some of its queues."""
    wanted = set(queues)
    known = {row.queue for rows in report.series.values() for row in rows}
    return replace(
        report,
        series={
            metric: [row for row in rows if row.queue in wanted]
            for metric, rows in report.series.items()
        },
        left_out=report.left_out + len(known - wanted),
    )


def thinned(report: MetricsReport, most: int) -> MetricsReport:
    """Return a report with at most so many times: each stands for the mean of those before it.

    What is not known does not count; a mean of nothing is not known either.
    """
    every = max(1, -(-len(report.times_s) // most))
    if every == 1:
        return report
    return replace(
        report,
        times_s=[each[-1] for each in _parts(report.times_s, every)],
        step_s=report.step_s * every,
        series={
            metric: [
                replace(row, values=[_mean(each) for each in _parts(row.values, every)])
                for row in rows
            ]
            for metric, rows in report.series.items()
        },
    )


def _parts(values: Sequence[T], size: int) -> list[Sequence[T]]:
    return [values[at : at + size] for at in range(0, len(values), size)]


def _mean(values: Sequence[float | None]) -> float | None:
    known = [each for each in values if each is not None]
    return sum(known) / len(known) if known else None
