# Generated from queues_async.py by tools/unasync.py: change that file.
"""Queues: what is in them."""

from collections.abc import Sequence

from pyasynq.broker.operations import inspection
from pyasynq.broker.operations.inspection import QueueStats
from pyasynq.inspector.calls import Calls
from pyasynq.inspector.infos import QueueInfo, queue_info


class Queues:
    """The queues of one Redis."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def list(self) -> list[str]:
        """Return the names of all queues, sorted."""
        return self._calls.run(inspection.list_queues(self._calls.namespace))

    def info(self, queue: str) -> QueueInfo:
        """Return the counts of one queue.

        Raises:
            QueueNotFoundError: nothing was ever enqueued to it, or it was deleted.
        """
        now_ns = self._calls.clock.redis_now_ns()
        operation = inspection.queue_stats(self._calls.keys_of(queue), now_ns=now_ns)
        return queue_info(queue, self._calls.run_on(queue, operation), now_ns)

    def infos(self) -> Sequence[QueueInfo]:
        """Return the counts of every queue, sorted by name, but for those that cannot be read."""
        names = self.list()
        now_ns = self._calls.clock.redis_now_ns()
        answers = self._calls.run_all(
            [inspection.queue_stats(self._calls.keys_of(queue), now_ns=now_ns) for queue in names]
        )
        return [
            queue_info(queue, answer, now_ns)
            for queue, answer in zip(names, answers, strict=True)
            if isinstance(answer, QueueStats)
        ]
