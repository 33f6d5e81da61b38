"""What the dashboard for Grafana shows: rows of panels, each with its queries, as plain data."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["stat", "lines", "stacked", "states", "table", "heatmap"]

TARGETS = 'namespace=~"$namespace", job=~"$job"'
QUEUES = f'{TARGETS}, queue=~"$queue"'
TYPES = f'{QUEUES}, type=~"$type"'
RATE = "[$__rate_interval]"


@dataclass(frozen=True, kw_only=True)
class Query:
    """A query of PromQL.

    Attributes:
        legend: the name of each line; of a table, the name of the column.
    """

    expr: str
    legend: str = ""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A panel.

    Attributes:
        description: what it shows, and what to do if that is not as it should be.
        unit: as Grafana calls it.
        width: of 24.
        warns_at: from where on it is orange, and then red; nothing if it is never.
        words: what is shown in place of 0 and 1, the bad one of both first in red.
        empty: what is shown when there is nothing.
        units: of a table, those of its columns by name, where they are others than *unit*.
    """

    title: str
    description: str
    queries: tuple[Query, ...]
    kind: Kind = "lines"
    unit: str = "short"
    width: int = 8
    warns_at: tuple[float, float] | None = None
    words: tuple[tuple[str, str], tuple[str, str]] | None = None
    empty: str = "-"
    units: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Row:
    """Panels below one title; shut until somebody opens it, if it is not *is_open*."""

    title: str
    panels: tuple[Panel, ...]
    is_open: bool = True


def in_state(state: str) -> str:
    """Return the selector of the tasks of queues in a state."""
    return f'asynq_tasks_enqueued_total{{{QUEUES}, state="{state}"}}'


def of_queues(selected: str) -> str:
    """Return the value of each queue; where several programs export it, the largest counts."""
    return f"max by (namespace, queue) ({selected})"


def quantile(part: float, metric: str, selector: str, by: str = "") -> str:
    """Return a quantile of a histogram, for each value of the labels *by*."""
    labels = f"{by}, le" if by else "le"
    return (
        f"histogram_quantile({part}, sum by ({labels}) (rate({metric}_bucket{{{selector}}}{RATE})))"
    )


def quantiles(metric: str, selector: str) -> tuple[Query, ...]:
    """Return the 50th, 95th and 99th percentile of a histogram, all labels together."""
    return tuple(
        Query(expr=quantile(part, metric, selector), legend=f"p{part * 100:.0f}")
        for part in (0.5, 0.95, 0.99)
    )


def mean(metric: str, by: str) -> str:
    """Return the mean of a histogram of workers."""
    total, count = (
        f"sum by ({by}) (rate({metric}_{end}{{{TARGETS}}}{RATE}))" for end in ("sum", "count")
    )
    return f"{total} / {count}"


PROCESSED = of_queues(f"rate(asynq_tasks_processed_total{{{QUEUES}}}{RATE})")
FAILED = of_queues(f"rate(asynq_tasks_failed_total{{{QUEUES}}}{RATE})")
FINISHED = f"pyasynq_tasks_finished_total{{{TYPES}}}"
FAILURES = f'pyasynq_tasks_finished_total{{{TYPES}, outcome=~"retried|archived"}}'
LATENCY = f"asynq_queue_latency_seconds{{{QUEUES}}}"
FREE = f'pyasynq_worker_slots{{{TARGETS}, state="free"}}'
USED = f'pyasynq_worker_slots{{{TARGETS}, state="used"}}'
