"""Metrics from Prometheus, as asynqmon passes them on. asynqmon v0.7.2 metrics_handler.go."""

from dataclasses import dataclass

from starlette.responses import Response

from pyasynq.clock import NANOSECONDS, SystemClock
from pyasynq.web.questions import whole_number
from pyasynq.web.refusal import Refusal
from pyasynq.web.rest import shapes
from pyasynq.web.rest.answers import answer
from pyasynq.web.routing import Call, Endpoint, Parameter
from pyasynq.web.service.prometheus import HOUR, Range, fetch

LATEST_S = 253_402_300_799  # the end of the year 9999
NOT_SET_UP = "there are no metrics: no address of Prometheus was given (prometheus_url)"


@dataclass(frozen=True, slots=True)
class MetricRoutes:
    """The route of metrics.

    Args:
        prometheus_url: where Prometheus is; empty if nobody said so.
    """

    prometheus_url: str

    async def get(self, call: Call) -> Response:
        """Answer with what Prometheus says."""
        call.service.guard.check()
        wanted = _wanted(call)
        if not self.prometheus_url:
            raise Refusal(404, NOT_SET_UP)
        return answer(shapes.Metrics(**await fetch(self.prometheus_url, wanted)))


def _wanted(call: Call) -> Range:
    """Return what is asked for.

    Raises:
        Refusal: a number is none, or out of range.
    """
    now_s = SystemClock().now_ns() // NANOSECONDS
    names = call.query.get("queues", "")
    return Range(
        end_s=_seconds(call, "endtime", now_s),
        duration_s=_seconds(call, "duration", HOUR),
        queues=names.split(",") if names else (),
    )


def _seconds(call: Call, name: str, default: int) -> int:
    text = call.query.get(name, "")
    value = whole_number(text) if text else default
    if value is None or not 0 <= value <= LATEST_S:
        raise Refusal(400, f"invalid query parameter: invalid value provided for {name}")
    return value


def metric_endpoints(prometheus_url: str) -> tuple[Endpoint, ...]:
    """Return what is answered about metrics."""
    return (
        Endpoint(
            method="GET",
            path="/api/metrics",
            summary="The answers of Prometheus to nine range queries, as it gives them.",
            handle=MetricRoutes(prometheus_url).get,
            query=(
                Parameter(
                    name="duration",
                    meaning="How many seconds.",
                    kind="integer",
                    default=HOUR,
                ),
                Parameter(
                    name="endtime",
                    meaning="The last second, since the epoch; now if not given.",
                    kind="integer",
                ),
                Parameter(
                    name="queues",
                    meaning="Names of queues, with commas between them; all if not given.",
                ),
            ),
            answer=shapes.Metrics,
            failures={
                400: "a number cannot be read",
                404: "no address of Prometheus was given",
                502: "Prometheus does not answer",
            },
        ),
    )
