"""Estimates how much memory queues take, by the sizes of some of their tasks."""

from collections.abc import Sequence

from pyasynq.answers import concerns_redis_as_a_whole, raise_first
from pyasynq.broker.operations import inspection
from pyasynq.broker.operations.inspection import QueueStats
from pyasynq.inspector.calls_async import AsyncCalls
from pyasynq.wire.keys import QueueKeys

AT_ONCE = 100  # queues in a round trip; each takes Redis some tenths of a millisecond

Counted = Sequence[tuple[QueueKeys, QueueStats]]


class AsyncMemory:
    """Estimates the memory of queues."""

    def __init__(self, calls: AsyncCalls) -> None:
        self._calls = calls

    async def of(self, queues: Counted) -> dict[str, int]:
        """Return the bytes that each queue takes; those are missing that Redis does not tell.

        Where it refuses to tell sizes, the counts of the queue are known nevertheless.
        """
        used: dict[str, int] = {}
        for first in range(0, len(queues), AT_ONCE):
            some = queues[first : first + AT_ONCE]
            answers = await self._calls.run_all(
                [inspection.queue_memory(keys, stats) for keys, stats in some]
            )
            if not self._calls.is_cluster:  # whose nodes fail one by one
                raise_first(answers, which=concerns_redis_as_a_whole)
            for (keys, _stats), answer in zip(some, answers, strict=True):
                if isinstance(answer, int):
                    used[keys.queue] = answer
        return used
