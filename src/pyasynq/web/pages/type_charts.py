"""The charts of the page of one task type: its last 60 minutes."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from markupsafe import Markup

from pyasynq.admin.charts.lines import sparkline
from pyasynq.admin.charts.series import Chart, Series
from pyasynq.inspector import Percentiles, TypeCounts, TypeMinute
from pyasynq.web.pages.drawings import lines
from pyasynq.web.pages.view import View

SHARES = ("p50", "p95", "p99")
LONG_S = 10  # what takes longer than this is shown in seconds


def counts_chart(minutes: Sequence[TypeMinute], seen: View) -> Markup:
    """Draw how many attempts have succeeded and failed in each minute."""
    rows = [
        Series(
            seen.texts("types.succeeded"),
            [each.counts.count - each.counts.failures for each in minutes],
            "succeeded",
        ),
        Series(seen.texts("types.failed"), [each.counts.failures for each in minutes], "failed"),
    ]
    return _drawn(seen.texts("types.counts_chart"), "", rows, minutes, seen)


def run_chart(minutes: Sequence[TypeMinute], seen: View) -> Markup:
    """Draw how long attempts have run."""
    return _durations(seen.texts("types.run_chart"), minutes, lambda each: each.run, seen)


def wait_chart(minutes: Sequence[TypeMinute], seen: View) -> Markup:
    """Draw how long tasks were pending before."""
    return _durations(seen.texts("types.wait_chart"), minutes, lambda each: each.waiting, seen)


def small_chart(minutes: Sequence[TypeMinute], seen: View) -> Markup:
    """Draw the attempts of each minute as one small line."""
    counts = [each.counts.count for each in minutes]
    title = seen.texts("types.small_chart", total=sum(counts), most=max(counts, default=0))
    return Markup(sparkline(counts, title=title))  # noqa: S704 - charts escape what they show


def _durations(
    title: str,
    minutes: Sequence[TypeMinute],
    percentiles: Callable[[TypeCounts], Percentiles],
    seen: View,
) -> Markup:
    spans = {
        share: [getattr(percentiles(each.counts), share) for each in minutes] for share in SHARES
    }
    known = [span for row in spans.values() for span in row if span is not None]
    is_long = max(known, default=timedelta()) >= timedelta(seconds=LONG_S)
    unit, size = ("s", timedelta(seconds=1)) if is_long else ("ms", timedelta(milliseconds=1))
    rows = [
        Series(share, [None if span is None else span / size for span in row])
        for share, row in spans.items()
    ]
    return _drawn(title, unit, rows, minutes, seen)


def _drawn(
    title: str, unit: str, rows: Sequence[Series], minutes: Sequence[TypeMinute], seen: View
) -> Markup:
    labels = [f"{each.at:%H:%M}" for each in minutes]
    chart = Chart(title, labels, rows, unit=unit, unknown=seen.texts("charts.unknown"))
    return lines(chart)
