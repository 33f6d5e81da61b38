"""Queues, for one visitor."""

import asyncio
from collections.abc import Mapping, Sequence

from pyasynq.answers import concerns_redis_as_a_whole
from pyasynq.errors import PyasynqError
from pyasynq.inspector import AsyncInspector, DailyStats, GroupInfo, QueueInfo
from pyasynq.options import name_fault
from pyasynq.shown import shown
from pyasynq.web.service.guard import Guard

AT_ONCE = 100  # queues whose history is read at the same time


class QueueService:
    """Looks at queues, pauses and deletes them."""

    def __init__(self, inspector: AsyncInspector, guard: Guard) -> None:
        self._inspector = inspector
        self._guard = guard

    async def infos(self) -> Sequence[QueueInfo]:
        """Return all queues; what cannot be read of one is in its `error`."""
        self._guard.check()
        return await self._inspector.queues.infos()

    async def info(self, queue: str) -> QueueInfo:
        """Return one queue."""
        self._guard.check()
        return await self._inspector.queues.info(queue)

    async def history(self, queue: str, days: int) -> Sequence[DailyStats]:
        """Return what a queue did on each of the last days, today first."""
        self._guard.check()
        return await self._inspector.queues.history(queue, days)

    async def histories(self, days: int) -> Mapping[str, Sequence[DailyStats]]:
        """Return what all queues did on each of the last days, today first."""
        self._guard.check()
        names = await self._inspector.queues.list()
        usable = [name for name in names if name_fault("queue", name) is None]
        found: dict[str, Sequence[DailyStats]] = {}
        for first in range(0, len(usable), AT_ONCE):
            some = usable[first : first + AT_ONCE]
            each = await asyncio.gather(
                *(self._inspector.queues.history(name, days) for name in some),
                return_exceptions=True,
            )
            found |= dict(zip(some, map(_known, each), strict=True))
        return found

    async def groups(self, queue: str) -> Sequence[GroupInfo]:
        """Return the groups of a queue."""
        self._guard.check()
        return await self._inspector.groups.list(queue)

    async def pause(self, queue: str) -> None:
        """Let workers take no more tasks from a queue."""
        with self._guard.acting("pause", _named(queue)):
            await self._inspector.queues.pause(queue, by=self._guard.visitor.name[:200])

    async def resume(self, queue: str) -> None:
        """End the pause of a queue."""
        with self._guard.acting("resume", _named(queue)):
            await self._inspector.queues.unpause(queue)

    async def delete(self, queue: str) -> None:
        """Delete a queue that is empty."""
        with self._guard.acting("delete queue", _named(queue)):
            await self._inspector.queues.delete(queue)


def _known(found: Sequence[DailyStats] | BaseException) -> Sequence[DailyStats]:
    """Return a history; an empty one of a queue that is gone by now or cannot be read."""
    if not isinstance(found, BaseException):
        return found
    if isinstance(found, PyasynqError) and not concerns_redis_as_a_whole(found):
        return ()
    raise found


def _named(queue: str) -> str:
    return f"queue {shown(queue)!r}"
