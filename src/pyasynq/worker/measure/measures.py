"""What the components of a server measure of themselves, beside what they count."""

import msgspec

from pyasynq.measurements import worker_metrics
from pyasynq.measurements.histogram import Histogram
from pyasynq.measurements.metric import Metric


def _histogram(metric: Metric) -> Histogram:
    return msgspec.field(default_factory=lambda: Histogram(metric.bounds))


class Measures(msgspec.Struct, frozen=True, kw_only=True):
    """The measures of one server; each is written by one component, and read in any thread.

    Attributes:
        fetch_sizes: how many tasks each fetch brought.
        flush_sizes: how many outcomes each write sent.
        loop_delays: how long the event loop took to do what was asked of it, in seconds.
        forward_lateness: how late tasks that were due became pending, in seconds.
    """

    fetch_sizes: Histogram = _histogram(worker_metrics.FETCH_SIZE)
    flush_sizes: Histogram = _histogram(worker_metrics.FLUSH_SIZE)
    loop_delays: Histogram = _histogram(worker_metrics.LOOP_DELAY)
    forward_lateness: Histogram = _histogram(worker_metrics.FORWARD_LATENESS)
