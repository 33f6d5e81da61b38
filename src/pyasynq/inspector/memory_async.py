"""How much memory queues take, estimated from the size of some of their tasks.

asynq v0.26 inspect.go memoryUsageCmd: up to 20 tasks of each state stand for all of it, and up to
20 of each of five groups for those that are aggregating. Here it is not a script: where MEMORY
USAGE is refused, the counts of the queue are known nevertheless.
"""

from collections.abc import Sequence
from typing import Any

from pyasynq.broker.operation import Operation
from pyasynq.broker.operations import groups, redis_info, task_lists
from pyasynq.broker.operations.inspection import QueueStats
from pyasynq.errors import concerns_redis_as_a_whole, raise_first
from pyasynq.inspector.calls_async import AsyncCalls
from pyasynq.inspector.samples import GROUPS, SAMPLE, Sample
from pyasynq.task import TaskState
from pyasynq.wire.keys import QueueKeys

AT_ONCE = 1000  # operations in a round trip

Counted = Sequence[tuple[QueueKeys, QueueStats]]


class AsyncMemory:
    """Estimates the memory of queues."""

    def __init__(self, calls: AsyncCalls) -> None:
        self._calls = calls

    async def of(self, queues: Counted) -> dict[str, int]:
        """Return the bytes that each queue takes; those are missing that Redis does not tell."""
        names = await self._answers([groups.list_groups(k, count=GROUPS) for k, _ in queues])
        samples = [
            Sample(keys, state, stats, found)
            for (keys, stats), found in zip(queues, names, strict=True)
            for state in TaskState
        ]
        places = [place for sample in samples for place in sample.places]
        ids = iter(await self._answers([task_lists.first_ids(each, SAMPLE) for each in places]))
        for sample in samples:
            sample.choose([next(ids) for _ in sample.places])
        sizes = iter(
            await self._answers(
                [redis_info.memory_usage(key) for sample in samples for key in sample.measured]
            )
        )
        used: dict[str, int | None] = {}
        for sample in samples:
            part = sample.estimate([next(sizes) for _ in sample.measured])
            before = used.get(sample.queue, 0)
            used[sample.queue] = None if part is None or before is None else before + part
        return {queue: size for queue, size in used.items() if size is not None}

    async def _answers(self, operations: Sequence[Operation[Any]]) -> list[Any]:
        """Run operations, a bounded number in a round trip; an error is an answer, too."""
        answers: list[Any] = []
        for first in range(0, len(operations), AT_ONCE):
            answers += await self._calls.run_all(operations[first : first + AT_ONCE])
        raise_first(answers, which=concerns_redis_as_a_whole)
        return answers
