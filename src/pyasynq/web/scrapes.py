"""Answers to scrapes of Prometheus; needs the extra ``metrics``."""

from collections.abc import Iterable, Sequence

from prometheus_client.metrics_core import Metric as Family
from starlette.datastructures import Headers
from starlette.responses import Response

from pyasynq.measurements.queue_metrics import QUEUE_METRICS
from pyasynq.measurements.reading import Reading
from pyasynq.metrics.exporter import process_collectors
from pyasynq.metrics.exposition import Collected, exposition
from pyasynq.metrics.families import families
from pyasynq.metrics.worker_collector import METRICS


def scraped_worker(headers: Headers, readings: Sequence[Reading], *, has_process: bool) -> Response:
    """Return what a worker has measured.

    Args:
        headers: of the request, which may ask for a format and an encoding.
        readings: what it has measured.
        has_process: whether to show the CPU and the memory of this process, too.
    """
    found = list(families(METRICS, readings))
    if has_process:
        found += [family for each in process_collectors() for family in each.collect()]
    return _answer(headers, found)


def scraped_queues(headers: Headers, readings: Sequence[Reading]) -> Response:
    """Return what is known of queues."""
    return _answer(headers, families(QUEUE_METRICS, readings))


def _answer(headers: Headers, found: Iterable[Family]) -> Response:
    shown = exposition(
        Collected(found),
        accept=",".join(headers.getlist("accept")),
        accept_encoding=",".join(headers.getlist("accept-encoding")),
    )
    return Response(shown.body, headers=dict(shown.headers))
