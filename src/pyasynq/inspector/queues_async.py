"""Queues: what is in them, whether they are paused, and what they did."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from pyasynq.answers import concerns_redis_as_a_whole, raise_first
from pyasynq.broker.operations import inspection, queue_control, redis_info
from pyasynq.broker.operations.inspection import QueueStats
from pyasynq.clock import NANOSECONDS, redis_now_s, to_ns
from pyasynq.errors import QueueAlreadyPausedError, QueueNotPausedError
from pyasynq.inspector import history, pauses
from pyasynq.inspector.calls_async import AsyncCalls
from pyasynq.inspector.history import DailyStats
from pyasynq.inspector.infos import QueueInfo, queue_info, queue_info_without_counts
from pyasynq.inspector.memory_async import AsyncMemory
from pyasynq.inspector.nodes import Node, nodes_of
from pyasynq.inspector.queue_deletion_async import AsyncQueueDeletion
from pyasynq.wire.keys import keys_of_listed

AT_ONCE = 100  # queues whose days are read in a round trip
NAMELESS = "a queue without a name, which has no keys of its own"


class AsyncQueues:
    """The queues of one Redis; made by `AsyncInspector`."""

    def __init__(self, calls: AsyncCalls) -> None:
        self._calls = calls

    async def list(self) -> list[str]:
        """Return the names of all queues, sorted."""
        return await self._calls.run(inspection.list_queues(self._calls.namespace))

    async def info(self, queue: str, *, memory: bool = True) -> QueueInfo:
        """Return the counts of one queue.

        Args:
            queue: the queue.
            memory: whether to estimate its memory, which takes one more round trip.

        Raises:
            QueueNotFoundError: nothing was ever enqueued to it, or it was deleted.
        """
        keys, now_ns = self._calls.keys_of(queue), self._calls.clock.redis_now_ns()
        operation = inspection.queue_stats(keys, now_ns=now_ns)
        stats = await self._calls.run_on(queue, operation)
        used = await AsyncMemory(self._calls).of([(keys, stats)] if memory else [])
        return queue_info(queue, stats, now_ns, memory_usage=used.get(queue))

    async def infos(
        self, *, memory: bool = True, only: Collection[str] | None = None
    ) -> Sequence[QueueInfo]:
        """Return the counts of every queue, sorted by name.

        A queue of which something cannot be read keeps no other from being counted; its `error`
        tells why. So does a queue whose name no pyasynq client accepts, but which Redis lists, and
        one on a node of a cluster that is away.

        Args:
            memory: whether to estimate the memory of each, which asks Redis for the size of about
                a hundred tasks of each queue.
            only: names of the queues that are wanted, of those that there are; all if not given.

        Raises:
            RedisUnavailableError: Redis did not answer.
        """
        names = [each for each in await self.list() if only is None or each in only]
        now_ns = self._calls.clock.redis_now_ns()
        listed = [keys_of_listed(queue, self._calls.namespace) for queue in names]
        answers = iter(
            await self._calls.run_all(
                [inspection.queue_stats(keys, now_ns=now_ns) for keys in listed if keys]
            )
        )
        found = [next(answers) if keys else NAMELESS for keys in listed]
        is_any_known = any(isinstance(each, QueueStats) for each in found)
        if not (self._calls.is_cluster and is_any_known):  # nodes of a cluster fail one by one
            raise_first(found, which=concerns_redis_as_a_whole)
        counted = [
            (keys, answer)
            for keys, answer in zip(listed, found, strict=True)
            if keys and isinstance(answer, QueueStats)
        ]
        used = await AsyncMemory(self._calls).of(counted if memory else [])
        return [
            queue_info(queue, answer, now_ns, memory_usage=used.get(queue))
            if isinstance(answer, QueueStats)
            else queue_info_without_counts(queue, str(answer), now_ns)
            for queue, answer in zip(names, found, strict=True)
        ]

    async def history(self, queue: str, days: int = 10) -> Sequence[DailyStats]:
        """Return what was done on each of the last days (UTC), today first.

        Args:
            queue: the queue.
            days: how many, from 1 to 366; the counters of a day are kept for 90 days.

        Raises:
            ConfigError: the number of days is out of range.
            QueueNotFoundError: there is no such queue.
        """
        wanted = history.last_days(redis_now_s(self._calls.clock), days)
        operation = queue_control.read_days(self._calls.keys_of(queue), wanted.texts)
        counts = await self._calls.run_on(queue, operation)
        return history.daily(queue, wanted, counts)

    async def histories(self, days: int = 10) -> Mapping[str, Sequence[DailyStats]]:
        """Return what every queue did on each of the last days (UTC), today first.

        Queues come sorted by name. The list of one that cannot be read is empty; one whose name no
        pyasynq client accepts is left out.

        Args:
            days: how many, from 1 to 366; the counters of a day are kept for 90 days.

        Raises:
            ConfigError: the number of days is out of range.
            RedisUnavailableError: Redis did not answer.
        """
        wanted = history.last_days(redis_now_s(self._calls.clock), days)
        names = await self._calls.usable_queues()
        found: dict[str, Sequence[DailyStats]] = {}
        for first in range(0, len(names), AT_ONCE):
            some = names[first : first + AT_ONCE]
            operations = [
                queue_control.read_days(self._calls.keys_of(each), wanted.texts) for each in some
            ]
            answers = await self._calls.run_all(operations)
            raise_first(answers, which=concerns_redis_as_a_whole)
            for name, answer in zip(some, answers, strict=True):
                counts = answer if isinstance(answer, list) else None
                found[name] = () if counts is None else history.daily(name, wanted, counts)
        return found

    async def pause(
        self, queue: str, *, by: str = "", reason: str = "", until: datetime | None = None
    ) -> None:
        """Pause a queue: workers, those in Go too, take no more tasks from it.

        Tasks that run go on, and new ones can be enqueued.

        Args:
            queue: the queue.
            by: who pauses it, at most 200 characters; `info` shows it.
            reason: why, at most 1,000 characters; `info` shows it.
            until: when the pause ends, an aware datetime in the future; Redis itself ends it, even
                if no server runs. It lasts until `unpause` if not given.

        Raises:
            ConfigError: an argument is wrong.
            QueueNotFoundError: there is no such queue.
            QueueAlreadyPausedError: it is paused already; nothing was changed.
        """
        now_ns = self._calls.clock.redis_now_ns()
        pauses.check(by, reason, until, now_ns)
        keys = self._calls.keys_of(queue)
        await self._calls.check_known(queue)
        until_ns = None if until is None else to_ns(until)
        details = pauses.PauseDetails(by=by, reason=reason, until_ns=until_ns)
        now_s = now_ns // NANOSECONDS
        operation = queue_control.pause_queue(
            keys,
            now_s=now_s,
            details=pauses.encode(details, now_s),
            until_ms=None if until_ns is None else until_ns // 1_000_000,
        )
        if not await self._calls.run(operation):
            raise QueueAlreadyPausedError(queue)

    async def unpause(self, queue: str) -> None:
        """End the pause of a queue.

        Raises:
            QueueNotPausedError: it is not paused, or there is no such queue.
        """
        keys = self._calls.keys_of(queue)
        was_paused, forgotten = await self._calls.run_all(
            [queue_control.unpause_queue(keys), queue_control.forget_pause(keys)]
        )
        raise_first([was_paused, forgotten])
        if not was_paused:
            raise QueueNotPausedError(queue)

    async def delete(self, queue: str, *, force: bool = False) -> None:
        """Delete a queue with everything that belongs to it: tasks, locks, groups and counters.

        With *force* its tasks are deleted first, at most 500 in a call of Redis; meanwhile it is
        paused, so that no worker starts one. If that stops half-way, the rest is there, and the
        pause ends ten minutes later; call again. Stop the producers first: a client lists its
        queues once a second, so a task that is enqueued in the second after the deletion is stored,
        but its queue is listed again only with a later one.

        Raises:
            QueueNotFoundError: there is no such queue.
            QueueNotEmptyError: it holds tasks, in any state, and *force* is not given; or more of
                them come all the time.
            StateError: it has running tasks, which cannot be deleted.
            PyasynqError: a key of it has a wrong type; the error names it.
        """
        await AsyncQueueDeletion(self._calls, queue).run(force=force)

    async def key_slot(self, queue: str) -> int:
        """Return the slot of a cluster in which all keys of a queue are.

        Raises:
            ConfigError: Redis is not a cluster.
        """
        return await self._calls.run_cluster(redis_info.key_slot(self._calls.keys_of(queue)))

    async def nodes(self, queue: str) -> Sequence[Node]:
        """Return the nodes of a cluster that hold a queue, the primary first.

        Raises:
            ConfigError: Redis is not a cluster.
        """
        slot = await self.key_slot(queue)
        slots = await self._calls.run_cluster(redis_info.slots())
        return nodes_of(slot, slots)
