# Generated from queues_async.py by tools/unasync.py: change that file.
"""Queues: what is in them."""

from collections.abc import Sequence

from pyasynq.broker.operations import inspection
from pyasynq.broker.operations.inspection import QueueStats
from pyasynq.broker.runners.runner import Runner
from pyasynq.clock import Clock
from pyasynq.errors import QueueNotFoundError
from pyasynq.inspector.infos import QueueInfo, queue_info
from pyasynq.wire.keys import queue_keys


class Queues:
    """The queues of one Redis."""

    def __init__(self, runner: Runner, clock: Clock, namespace: str) -> None:
        self._runner = runner
        self._clock = clock
        self._namespace = namespace

    def list(self) -> list[str]:
        """Return the names of all queues, sorted."""
        return self._runner.run(inspection.list_queues(self._namespace))

    def info(self, queue: str) -> QueueInfo:
        """Return the counts of one queue.

        Raises:
            QueueNotFoundError: nothing was ever enqueued to it, or it was deleted.
        """
        keys = queue_keys(queue, self._namespace)
        now_ns = self._clock.redis_now_ns()
        is_known, stats = self._runner.run_all(
            [
                inspection.has_queue(queue, self._namespace),
                inspection.queue_stats(keys, now_ns=now_ns),
            ]
        )
        for answer in (is_known, stats):
            if isinstance(answer, BaseException):
                raise answer
        if not is_known:
            raise QueueNotFoundError(queue)
        return queue_info(queue, stats, now_ns)

    def infos(self) -> Sequence[QueueInfo]:
        """Return the counts of every queue, sorted by name; one that cannot be read is left out."""
        names = self.list()
        now_ns = self._clock.redis_now_ns()
        answers = self._runner.run_all(
            [
                inspection.queue_stats(queue_keys(queue, self._namespace), now_ns=now_ns)
                for queue in names
            ]
        )
        return [
            queue_info(queue, answer, now_ns)
            for queue, answer in zip(names, answers, strict=True)
            if isinstance(answer, QueueStats)
        ]
