"""A metric as a chart, of as many queues as can be told apart."""

from collections.abc import Callable, Sequence

from pyasynq.admin.charts.series import OTHERS, Chart, Series
from pyasynq.admin.metrics.report import UNITS, Metric, MetricsReport, busiest_of

PER_CENT = 100


def charted_queues(report: MetricsReport, *, most: int = len(OTHERS)) -> list[str]:
    """Return the queues of which charts can show a line, sorted by name: those that do the most.

    All charts of a report show the same ones, so that a queue has one colour everywhere.

    Args:
        report: where the values are.
        most: how many queues.
    """
    return busiest_of(report, most)


def metric_chart(
    report: MetricsReport,
    metric: Metric,
    queues: Sequence[str],
    *,
    title: str,
    label: Callable[[int], str],
) -> Chart:
    """Return the chart of a metric, for `line_chart`; error rates are in per cent.

    Args:
        report: where the values are.
        metric: which of its metrics.
        queues: each has a line, with gaps where nothing is known.
        title: what the chart is called.
        label: makes the text below a value of its time, in seconds since the epoch.
    """
    rows = {row.queue: row.values for row in report.series[metric]}
    factor = PER_CENT if UNITS.get(metric) == "%" else 1
    unknown: list[float | None] = [None] * len(report.times_s)
    return Chart(
        title,
        [label(each) for each in report.times_s],
        [
            Series(
                queue,
                # A chart has no place below 0, where Prometheus may know a value.
                [
                    None if each is None else max(0.0, each) * factor
                    for each in rows.get(queue, unknown)
                ],
            )
            for queue in queues
        ],
        unit=UNITS.get(metric, ""),
    )
