"""Metrics of queues over time: from Prometheus if there is one, else from own sampling."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from markupsafe import Markup
from starlette.responses import Response

from pyasynq.admin.metrics.charting import charted_queues, metric_chart
from pyasynq.admin.metrics.report import METRICS, Metric, MetricsReport, thinned
from pyasynq.web.pages.drawings import lines
from pyasynq.web.pages.forms import Form, asked
from pyasynq.web.pages.moments import moment_typed
from pyasynq.web.pages.rendering import rendered
from pyasynq.web.pages.view import View, view_of
from pyasynq.web.questions import number
from pyasynq.web.refusal import Refusal
from pyasynq.web.routing import Call, Endpoint

HOUR_S, DAY_S = 3600, 86_400
DURATIONS = (
    ("1h", HOUR_S),
    ("6h", 6 * HOUR_S),
    ("1d", DAY_S),
    ("8d", 8 * DAY_S),
    ("30d", 30 * DAY_S),
)
SHORTEST_S, LONGEST_S = 60, 366 * DAY_S
LATEST_S = 253_402_300_799  # the end of the year 9999
KNOWN_S = DAY_S  # to own sampling
MOST_QUEUES = 200  # to choose from
MANY_QUEUES = 3  # with more of them, charts have fewer points, so that pages stay small
POINTS, FEWER_POINTS = 120, 60


async def show_metrics(call: Call) -> Response:
    """Show nine charts; if Prometheus does not answer, say so in their place."""
    form = asked(call)
    now_s = int(call.service.now.timestamp())
    duration_s = number(call, "duration", HOUR_S, least=SHORTEST_S, most=LONGEST_S)
    end_s = _end_s(call, form, now_s)
    chosen = [each for each in form.all("queue") if each]
    report, refusal = None, None
    try:
        report = await call.service.metrics.series(
            duration_s=duration_s, end_s=end_s or now_s, queues=chosen
        )
    except Refusal as error:
        if error.status < 500:  # noqa: PLR2004 - faults of others begin there
            raise
        refusal = error
    seen = view_of(call)
    queues = charted_queues(report) if report else []
    return rendered(
        call,
        "metrics.html",
        section="metrics",
        report=report,
        refusal=refusal,
        charts=charts_of(report, queues, duration_s, seen) if report else [],
        has_values=bool(report) and any(report.series.values()) if report else False,
        hidden=_hidden(report, queues) if report else 0,
        durations=DURATIONS,
        duration_s=duration_s,
        is_partial=bool(report and report.source == "own" and duration_s > KNOWN_S),
        began=_moment(report.began_s) if report else None,
        end_s=end_s,
        end=_moment(end_s or now_s),
        earlier_s=max(0, (end_s or now_s) - duration_s),
        later_s=_later_s(end_s, duration_s, now_s),
        chosen=chosen,
        names=sorted({*await call.service.queues.names(limit=MOST_QUEUES), *chosen}),
    )


def charts_of(
    report: MetricsReport, queues: Sequence[str], duration_s: int, seen: View
) -> Sequence[tuple[Metric, Markup]]:
    """Return the chart of each metric, of as many points as can be told apart."""
    small = thinned(report, FEWER_POINTS if len(queues) > MANY_QUEUES else POINTS)
    form = "%H:%M" if duration_s <= DAY_S else "%m-%d %H:%M"
    return [(each, _chart(small, each, queues, form, seen)) for each in METRICS]


def _chart(
    report: MetricsReport, metric: Metric, queues: Sequence[str], form: str, seen: View
) -> Markup:
    chart = metric_chart(
        report,
        metric,
        queues,
        title=seen.texts(f"metrics.{metric}"),
        label=lambda time_s: f"{datetime.fromtimestamp(time_s, UTC):{form}}",
    )
    chart = replace(chart, unknown=seen.texts("charts.unknown"))
    return lines(chart)


def _end_s(call: Call, form: Form, now_s: int) -> int | None:
    """Return the last second that is shown; None for now.

    Raises:
        Refusal: it is no time.
    """
    typed = moment_typed(form.text("at"))
    if typed is not None:
        return min(max(0, int(typed.timestamp())), now_s)
    end_s = number(call, "end", 0, least=0, most=LATEST_S)
    return None if not end_s or end_s >= now_s else end_s


def _later_s(end_s: int | None, duration_s: int, now_s: int) -> int | None:
    """Return the end of the time that follows; None if that is now."""
    if end_s is None or end_s + duration_s >= now_s:
        return None
    return end_s + duration_s


def _hidden(report: MetricsReport, queues: Sequence[str]) -> int:
    """Return of how many queues no line is shown."""
    known = {row.queue for rows in report.series.values() for row in rows}
    return report.left_out + len(known - {*queues})


def _moment(time_s: int | None) -> datetime | None:
    return None if time_s is None else datetime.fromtimestamp(time_s, UTC)


PAGES = (
    Endpoint(
        method="GET",
        path="/q/metrics",
        summary="Metrics of queues over time.",
        handle=show_metrics,
    ),
)
