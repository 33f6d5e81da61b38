"""What Prometheus asks."""

from starlette.responses import Response

from pyasynq.metrics import NO_METRICS, has_extra
from pyasynq.web.refusal import Refusal
from pyasynq.web.routing import Call, Endpoint

SWITCHED_OFF = "metrics for Prometheus are switched off here (metrics=False)"


async def scrape(call: Call) -> Response:
    """Answer with what is in the queues."""
    call.service.guard.check()
    if not call.service.queue_metrics.is_wanted:
        raise Refusal(404, SWITCHED_OFF)
    if not has_extra():
        raise Refusal(501, NO_METRICS)
    from pyasynq.web.scrapes import scraped_queues  # noqa: PLC0415 - an extra

    return scraped_queues(call.request.headers, await call.service.queue_metrics.read())


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/metrics",
        summary="What is in the queues, for Prometheus.",
        handle=scrape,
        answer=str,
        media_types=("text/plain",),
        failures={404: "it is switched off", 501: "the extra `metrics` is missing"},
    ),
)
