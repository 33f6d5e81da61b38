"""Queues: what is in them."""

from collections.abc import Sequence

from pyasynq.answers import concerns_redis_as_a_whole, raise_first
from pyasynq.broker.operations import inspection
from pyasynq.broker.operations.inspection import QueueStats
from pyasynq.inspector.calls_async import AsyncCalls
from pyasynq.inspector.infos import QueueInfo, queue_info, queue_info_without_counts
from pyasynq.wire.keys import keys_of_listed

NAMELESS = "a queue without a name, which has no keys of its own"


class AsyncQueues:
    """The queues of one Redis."""

    def __init__(self, calls: AsyncCalls) -> None:
        self._calls = calls

    async def list(self) -> list[str]:
        """Return the names of all queues, sorted."""
        return await self._calls.run(inspection.list_queues(self._calls.namespace))

    async def info(self, queue: str) -> QueueInfo:
        """Return the counts of one queue.

        Raises:
            QueueNotFoundError: nothing was ever enqueued to it, or it was deleted.
        """
        now_ns = self._calls.clock.redis_now_ns()
        operation = inspection.queue_stats(self._calls.keys_of(queue), now_ns=now_ns)
        return queue_info(queue, await self._calls.run_on(queue, operation), now_ns)

    async def infos(self) -> Sequence[QueueInfo]:
        """Return the counts of every queue, sorted by name.

        A queue of which something cannot be read keeps no other from being counted; its `error`
        tells why. So does a queue whose name no pyasynq client accepts, but which Redis lists.

        Raises:
            RedisUnavailableError: Redis did not answer.
        """
        names = await self.list()
        now_ns = self._calls.clock.redis_now_ns()
        listed = [keys_of_listed(queue, self._calls.namespace) for queue in names]
        answers = iter(
            await self._calls.run_all(
                [inspection.queue_stats(keys, now_ns=now_ns) for keys in listed if keys]
            )
        )
        found = [next(answers) if keys else NAMELESS for keys in listed]
        raise_first(found, which=concerns_redis_as_a_whole)
        return [
            queue_info(queue, answer, now_ns)
            if isinstance(answer, QueueStats)
            else queue_info_without_counts(queue, str(answer), now_ns)
            for queue, answer in zip(names, found, strict=True)
        ]
