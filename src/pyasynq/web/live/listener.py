"""One who listens: what they are still to be told, in bounded room."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime

from pyasynq.web.live.changes import joined

Event = tuple[str, object]
"""Its name, and its data, which become JSON."""


class Listener:
    """What one stream is still to tell; whoever tells it something never waits."""

    def __init__(self) -> None:
        self._changes: frozenset[str] = frozenset()
        self._stale_since: datetime | None = None
        self._told_since: datetime | None = None
        self._news = asyncio.Event()
        self.is_closed: bool = False

    def tell(self, changes: Iterable[str]) -> None:
        """Add changes to those that are still to be told."""
        self._changes = joined(self._changes, changes)
        if self._changes:
            self._news.set()

    def tell_stale(self, since: datetime | None) -> None:
        """Tell since when Redis does not answer; None: it does."""
        self._stale_since = since
        if (since is None) != (self._told_since is None):
            self._news.set()

    def close(self) -> None:
        """End the stream; safe to repeat."""
        self.is_closed = True
        self._news.set()

    async def events(self, timeout_s: float) -> Sequence[Event]:
        """Wait until there is something to tell, and return it; nothing after a time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._news.wait()
        except TimeoutError:
            return ()
        self._news.clear()
        return self._taken()

    def _taken(self) -> Sequence[Event]:
        found: list[Event] = []
        since = self._stale_since
        if since is not None and self._told_since is None:
            found.append(("stale", {"since": since.isoformat().replace("+00:00", "Z")}))
        if since is None and self._told_since is not None:
            found.append(("fresh", {}))
        self._told_since = since
        if self._changes:
            found.append(("dirty", sorted(self._changes)))
            self._changes = frozenset()
        return found
