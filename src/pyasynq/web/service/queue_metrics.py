"""What Prometheus is told of queues, for one visitor."""

from collections.abc import Sequence

from pyasynq.inspector import AsyncInspector
from pyasynq.measurements.reading import Reading
from pyasynq.metrics.queue_reader_async import AsyncQueueReader
from pyasynq.metrics.sharing import AsyncSharedReading
from pyasynq.web.service.guard import Guard


class Scrapes:
    """What all scrapes of one application share."""

    def __init__(self) -> None:
        self._reader = AsyncQueueReader()
        self._shared = AsyncSharedReading()

    async def read(self, inspector: AsyncInspector) -> Sequence[Reading]:
        """Return what is known of queues, or that Redis is away."""
        return await self._shared.get(lambda: self._reader.read(inspector))

    async def aclose(self) -> None:
        """End a reading that is under way; safe to repeat."""
        await self._shared.aclose()


class QueueMetrics:
    """Reads queues once for all who scrape at about the same time.

    Args:
        inspector: reads them.
        guard: what the visitor may do.
        scrapes: of all visitors; None if nobody may scrape.
    """

    def __init__(self, inspector: AsyncInspector, guard: Guard, scrapes: Scrapes | None) -> None:
        self._inspector = inspector
        self._guard = guard
        self._scrapes = scrapes

    @property
    def is_wanted(self) -> bool:
        """Whether anybody may scrape."""
        return self._scrapes is not None

    async def read(self) -> Sequence[Reading]:
        """Return what is known, or that Redis is away."""
        self._guard.check()
        return () if self._scrapes is None else await self._scrapes.read(self._inspector)
