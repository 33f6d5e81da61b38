"""A collector of servers and schedulers that run in this process, for a registry of the user."""

from collections.abc import Iterable, Sequence
from typing import Protocol

from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector
from typing_extensions import override

from pyasynq.errors import ConfigError
from pyasynq.measurements.reading import Reading, together
from pyasynq.measurements.scheduler_metrics import SCHEDULER_METRICS
from pyasynq.measurements.worker_metrics import WORKER_METRICS
from pyasynq.metrics.families import descriptions, families

METRICS = (*WORKER_METRICS, *SCHEDULER_METRICS)


class Measured(Protocol):
    """A server, a scheduler, or a worker of an App."""

    def readings(self) -> Sequence[Reading]:
        """Return what it has measured; in any thread."""


class WorkerCollector(Collector):
    """Collects what servers, schedulers and workers of an App measure; they ask nobody for it.

    Register it in a registry of prometheus_client. Any thread may collect.

    Args:
        sources: a `Server`, a `Scheduler`, a `PeriodicTaskManager`, or what `App.worker` returns;
            several are put together as several processes are.

    Raises:
        ConfigError: there is no source, or one of another kind.
    """

    def __init__(self, *sources: Measured) -> None:
        if not sources:
            raise ConfigError("a WorkerCollector needs a server, a scheduler or a worker")
        ConfigError.raise_if(
            f"{type(each).__name__} is no server, scheduler or worker"
            for each in sources
            if isinstance(each, type) or not callable(getattr(each, "readings", None))
        )
        self._sources = sources

    @override
    def collect(self) -> Iterable[Family]:
        """Return what was measured until now."""
        found = [each.readings() for each in self._sources]
        return families(METRICS, together(METRICS, found))

    def describe(self) -> Iterable[Family]:
        """Return the names, for a registry."""
        return descriptions(METRICS)
