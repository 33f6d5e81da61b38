"""A collector of queues, for a registry of the user."""

from collections.abc import Collection, Iterable

from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector
from typing_extensions import override

from pyasynq.errors import ConfigError
from pyasynq.inspector import Inspector
from pyasynq.measurements.queue_metrics import QUEUE_METRICS
from pyasynq.metrics.families import descriptions, families
from pyasynq.metrics.queue_reader import QueueReader
from pyasynq.metrics.sharing import SharedReading
from pyasynq.options import name_fault


class QueueCollector(Collector):
    """Collects what is measured of queues, as Go's `QueueMetricsCollector` does, and more.

    Register it in a registry of prometheus_client. Scrapes that come within a second share one
    reading of Redis. If Redis is away, or takes longer than five seconds, there is only
    ``pyasynq_redis_up`` with the value 0. Any thread may collect.

    Args:
        inspector: reads the queues; it stays yours to close.
        queues: names of those that are wanted; all if there are none.

    Raises:
        ConfigError: an argument is wrong.
    """

    def __init__(self, inspector: Inspector, *, queues: Collection[str] = ()) -> None:
        if not isinstance(inspector, Inspector):
            raise ConfigError(f"inspector must be an Inspector, not {type(inspector).__name__}")
        if isinstance(queues, str):
            raise ConfigError(f"queues must be a list of names, not {queues!r}")
        ConfigError.raise_if([name_fault("queue", each) for each in queues])
        reader = QueueReader(queues)
        self._shared = SharedReading(lambda: reader.read(inspector))

    @override
    def collect(self) -> Iterable[Family]:
        """Return what is known now."""
        return families(QUEUE_METRICS, self._shared.get())

    def describe(self) -> Iterable[Family]:
        """Return the names, for a registry; nothing is read for that."""
        return descriptions(QUEUE_METRICS)
