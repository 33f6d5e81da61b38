"""Queues: what is in them."""

from collections.abc import Sequence

from pyasynq.broker.operations import inspection
from pyasynq.broker.operations.inspection import QueueStats
from pyasynq.inspector.calls_async import AsyncCalls
from pyasynq.inspector.infos import QueueInfo, queue_info


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
        """Return the counts of every queue, sorted by name, but for those that cannot be read."""
        names = await self.list()
        now_ns = self._calls.clock.redis_now_ns()
        answers = await self._calls.run_all(
            [inspection.queue_stats(self._calls.keys_of(queue), now_ns=now_ns) for queue in names]
        )
        return [
            queue_info(queue, answer, now_ns)
            for queue, answer in zip(names, answers, strict=True)
            if isinstance(answer, QueueStats)
        ]
