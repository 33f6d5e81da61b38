"""Metrics over time, for one visitor: from Prometheus if there is one, else from own sampling."""

from collections.abc import Sequence

from pyasynq.admin.metrics.prometheus import report_of
from pyasynq.admin.metrics.report import MetricsReport, busiest_of, narrowed
from pyasynq.clock import Clock, redis_now_s
from pyasynq.web.live.live import Live
from pyasynq.web.refusal import Refusal
from pyasynq.web.service.guard import Guard
from pyasynq.web.service.prometheus import HOUR, Range, fetch, step_s

MOST_QUEUES = 20  # of a report, if none are named


class MetricsService:
    """Looks at metrics.

    Args:
        live: has samples.
        guard: what the visitor may do.
        clock: what time it is.
        prometheus_url: where Prometheus is; empty if nobody said so.
    """

    def __init__(self, live: Live, guard: Guard, clock: Clock, prometheus_url: str) -> None:
        self._live = live
        self._guard = guard
        self._clock = clock
        self._prometheus_url = prometheus_url

    async def series(
        self,
        *,
        duration_s: int = HOUR,
        end_s: int | None = None,
        queues: Sequence[str] = (),
    ) -> MetricsReport:
        """Return the metrics of a time; samples begin with the first look at a page.

        Args:
            duration_s: how many seconds, at least 1; own sampling knows a day.
            end_s: the last second, since the epoch; now if not given.
            queues: these only; the 20 that did or held the most if there are none.

        Raises:
            Refusal: Prometheus does not answer, or refuses the query.
        """
        self._guard.check()
        end_s = redis_now_s(self._clock) if end_s is None else end_s
        if self._prometheus_url:
            return await self._of_prometheus(end_s, duration_s, queues)
        self._live.look()
        return self._live.sampler.report(
            end_s=end_s, duration_s=duration_s, queues=queues, most=MOST_QUEUES
        )

    async def _of_prometheus(
        self, end_s: int, duration_s: int, queues: Sequence[str]
    ) -> MetricsReport:
        wanted = Range(end_s=end_s, duration_s=duration_s, queues=queues)
        answers = {
            name: bytes(answer)
            for name, answer in (await fetch(self._prometheus_url, wanted)).items()
        }
        try:
            report = report_of(
                answers, end_s=end_s, duration_s=duration_s, step_s=step_s(duration_s)
            )
        except ValueError as error:
            raise Refusal(502, str(error)) from error
        return report if queues else narrowed(report, busiest_of(report, MOST_QUEUES))
