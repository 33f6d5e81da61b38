"""Queues, for one visitor."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from pyasynq.clock import to_datetime
from pyasynq.inspector import AsyncInspector, DailyStats, GroupInfo, QueueInfo, pauses
from pyasynq.shown import shown
from pyasynq.task import TaskState
from pyasynq.web.refusal import Refusal, as_bad_request
from pyasynq.web.service.guard import Guard

MOST_NAMES = 1000


class QueueService:
    """Looks at queues, pauses and deletes them."""

    def __init__(self, inspector: AsyncInspector, guard: Guard) -> None:
        self._inspector = inspector
        self._guard = guard

    async def names(self, part: str = "", *, limit: int = MOST_NAMES) -> Sequence[str]:
        """Return the names of queues, sorted.

        Args:
            part: what they contain, in any case; those that begin with it come first.
            limit: how many at most.
        """
        self._guard.check()
        wanted = part.lower()
        found = [each for each in await self._inspector.queues.list() if wanted in each.lower()]
        found.sort(key=lambda each: not each.lower().startswith(wanted))
        return found[:limit]

    async def infos(self, *, memory: bool = True) -> Sequence[QueueInfo]:
        """Return all queues; what cannot be read of one is in its `error`.

        Args:
            memory: whether to estimate the memory of each, which takes much longer.
        """
        self._guard.check()
        return await self._inspector.queues.infos(memory=memory)

    async def with_memory(self, infos: Sequence[QueueInfo]) -> Sequence[QueueInfo]:
        """Return *infos* with the memory of each queue; unknown where it cannot be read."""
        self._guard.check()
        readable = [each.queue for each in infos if not each.error]
        found = await asyncio.gather(
            *(self._inspector.queues.info(queue) for queue in readable), return_exceptions=True
        )
        used = {each.queue: each.memory_usage for each in found if isinstance(each, QueueInfo)}
        return [replace(each, memory_usage=used.get(each.queue)) for each in infos]

    async def info(self, queue: str, *, memory: bool = True) -> QueueInfo:
        """Return one queue."""
        self._guard.check()
        return await self._inspector.queues.info(queue, memory=memory)

    async def history(self, queue: str, days: int) -> Sequence[DailyStats]:
        """Return what a queue did on each of the last days, today first."""
        self._guard.check()
        return await self._inspector.queues.history(queue, days)

    async def histories(self, days: int) -> Mapping[str, Sequence[DailyStats]]:
        """Return what all queues did on each of the last days, today first."""
        self._guard.check()
        return await self._inspector.queues.histories(days)

    async def groups(self, queue: str) -> Sequence[GroupInfo]:
        """Return the groups of a queue."""
        self._guard.check()
        return await self._inspector.groups.list(queue)

    async def group_ages(self, queue: str, groups: Sequence[str]) -> Mapping[str, datetime]:
        """Return since when the oldest member of each group waits; without those that are gone.

        Args:
            queue: the queue.
            groups: at most as many as a page shows.
        """
        self._guard.check()
        oldest = await asyncio.gather(*(self._oldest(queue, each) for each in groups))
        return {
            group: to_datetime(since_ns)
            for group, since_ns in zip(groups, oldest, strict=True)
            if since_ns is not None
        }

    async def _oldest(self, queue: str, group: str) -> int | None:
        found = await self._inspector.tasks.walk(
            queue, TaskState.AGGREGATING, group=group, limit=1, content="none"
        )
        return found.tasks[0].since_ns if found.tasks else None

    async def pause(self, queue: str, *, reason: str = "", until: datetime | None = None) -> None:
        """Let workers take no more tasks from a queue.

        Args:
            queue: the queue.
            reason: why, at most 1,000 characters.
            until: when the pause ends by itself; never if not given.

        Raises:
            Refusal: the visitor may not, or something is wrong.
        """
        by = self._guard.visitor.name[: pauses.LONGEST["by"]]
        with self._guard.acting("pause", _named(queue)):
            with as_bad_request():
                pauses.check(by, reason, until, self._inspector.clock.redis_now_ns())
            await self._inspector.queues.pause(queue, by=by, reason=reason, until=until)

    async def resume(self, queue: str) -> None:
        """End the pause of a queue."""
        with self._guard.acting("resume", _named(queue)):
            await self._inspector.queues.unpause(queue)

    async def delete(self, queue: str, *, force: bool = False, confirm: str = "") -> None:
        """Delete a queue that is empty, or with *force* one that is not.

        Args:
            queue: the queue.
            force: whether to delete its tasks, too; not those that run.
            confirm: the name of the queue, once more, with *force*.

        Raises:
            Refusal: the visitor may not, or has not confirmed it.
        """
        subject = f"{_named(queue)} and its tasks" if force else _named(queue)
        with self._guard.acting("delete queue", subject):
            if force and confirm != queue:
                raise Refusal(
                    409,
                    f"give the name of the queue, {shown(queue)!r}, as confirm",
                    key="confirm_queue",
                    values={"queue": queue},
                )
            await self._inspector.queues.delete(queue, force=force)


def _named(queue: str) -> str:
    return f"queue {shown(queue)!r}"
