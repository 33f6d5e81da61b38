"""Changes, as they happen, and metrics over time."""

from typing import Any

from starlette.responses import Response

from pyasynq.web.hosting import is_wsgi
from pyasynq.web.live.stream import MEDIA_TYPE
from pyasynq.web.questions import number
from pyasynq.web.refusal import Refusal
from pyasynq.web.rest.answers import answer
from pyasynq.web.rest.x.records import of_metrics
from pyasynq.web.routing import Call, Endpoint, Parameter

HOUR, MONTH = 3600, 31 * 86_400
LATEST_S = 253_402_300_799  # the end of the year 9999
MOST_QUEUES = 100
NO_STREAMS = "a WSGI server cannot send events; ask again from time to time"


async def listen(call: Call) -> Response:
    """Answer with events, for as long as the browser wants them."""
    if is_wsgi(call.request.scope):
        raise Refusal(503, NO_STREAMS)
    if call.request.method == "HEAD":
        call.service.guard.check()
        return Response(media_type=MEDIA_TYPE)
    return await call.service.live.events()


async def show_series(call: Call) -> Response:
    """Answer with nine metrics of queues over time."""
    end_s = call.query.get("end", "")
    found = await call.service.metrics.series(
        duration_s=number(call, "duration", HOUR, least=1, most=MONTH),
        end_s=number(call, "end", 0, least=0, most=LATEST_S) if end_s else None,
        queues=call.query.getlist("queue")[:MOST_QUEUES],
    )
    return answer(of_metrics(found))


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/x/events",
        summary="What changes, as it happens: server-sent events.",
        handle=listen,
        answer=str,
        failures={
            503: "too many pages listen, Redis cannot be set up, or the server has no streams"
        },
    ),
    Endpoint(
        method="GET",
        path="/api/x/series",
        summary="Nine metrics of queues over time, from own sampling or from Prometheus.",
        handle=show_series,
        query=(
            Parameter(
                name="duration",
                meaning="How many seconds, at most 31 days; own sampling knows a day.",
                kind="integer",
                default=HOUR,
            ),
            Parameter(
                name="end",
                meaning="The last second, since the epoch; now if not given.",
                kind="integer",
            ),
            Parameter(
                name="queue",
                meaning="Only this queue; may be given again. If not given, the 20 queues that do "
                "or hold the most.",
            ),
        ),
        answer=dict[str, Any],
        failures={400: "a number is wrong", 502: "Prometheus does not answer, or refuses"},
    ),
)
