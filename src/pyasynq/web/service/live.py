"""Changes, told to one visitor as they happen."""

from pyasynq.web.live.live import Live
from pyasynq.web.live.stream import EventStream
from pyasynq.web.service.guard import Guard


class LiveService:
    """Tells of changes."""

    def __init__(self, live: Live, guard: Guard) -> None:
        self._live = live
        self._guard = guard

    async def events(self) -> EventStream:
        """Return a stream of what changes.

        Raises:
            Refusal: there are too many streams.
        """
        self._guard.check()
        return EventStream(self._live, self._live.listen())

    def look(self) -> None:
        """Note that the visitor looks at a page, so that metrics are sampled."""
        self._guard.check()
        self._live.look()
