# Generated from enqueuer_async.py by tools/unasync.py: change that file.
"""Stores prepared tasks, and lists their queues among all queues."""

from collections.abc import Collection, Sequence
from typing import Any

from pyasynq.broker.new_tasks.prepare import PreparedTask
from pyasynq.broker.operation import Operation
from pyasynq.broker.operations.bulk import chunked, round_trips, spread
from pyasynq.broker.operations.enqueue import register_queue, store
from pyasynq.broker.runners.direct import DirectStore, Stored
from pyasynq.broker.runners.runner import Runner
from pyasynq.clock import Clock
from pyasynq.errors import PyasynqError
from pyasynq.wire.keys import QueueKeys

NEVER = float("-inf")
REGISTER_AGAIN_S = 1.0  # a queue that was deleted meanwhile is listed again after this


class Enqueuer:
    """Stores tasks of any queue.

    Args:
        namespace: of the keys of every task.
        patience_s: for how long an unreachable Redis is tried.
    """

    def __init__(self, runner: Runner, clock: Clock, *, namespace: str, patience_s: float) -> None:
        self.namespace = namespace
        self._runner = runner
        self._clock = clock
        self._patience_s = patience_s
        self._registered: dict[str, float] = {}
        self._coalescer = DirectStore(self._store_one, self.store_all)

    def store(self, item: PreparedTask) -> Stored:
        """Store one task, together with others that are stored at the same time.

        Returns:
            Why it was not stored, None if it was; a RedisUnavailableError if that is not known.
        """
        return self._coalescer.add(item)

    def store_all(self, items: Sequence[PreparedTask]) -> list[PyasynqError | None]:
        """Store tasks; return for each what `store` returns."""
        outcomes: list[PyasynqError | None] = [None] * len(items)
        for chunks in round_trips(chunked(items)):
            now_ns = self._clock.redis_now_ns()
            answers = self._run(
                {chunk.keys.queue: chunk.keys for chunk in chunks}.values(),
                [chunk.operation(now_ns) for chunk in chunks],
            )
            spread(chunks, answers, outcomes)
        return outcomes

    def _store_one(self, item: PreparedTask) -> PyasynqError | None:
        """Store one task without waiting for others; the queue is listed only now and then."""
        listed_at = self._registered.get(item.keys.queue, NEVER)
        if self._clock.monotonic() - listed_at >= REGISTER_AGAIN_S:
            (outcome,) = self.store_all((item,))
            return outcome
        operation = store((item,), now_ns=self._clock.redis_now_ns())
        try:
            outcomes = self._runner.run(operation, patience_s=self._patience_s)
        except PyasynqError as error:
            return error
        return outcomes[0]

    def _run(
        self, queues: Collection[QueueKeys], operations: Sequence[Operation[Any]]
    ) -> list[Any]:
        """Run operations, and list their queues unless that was done a moment ago."""
        now = self._clock.monotonic()
        unlisted = [
            keys
            for keys in queues
            if now - self._registered.get(keys.queue, NEVER) >= REGISTER_AGAIN_S
        ]
        if not unlisted:
            return self._runner.run_all(operations, patience_s=self._patience_s)
        registrations = [register_queue(keys.queue, namespace=keys.namespace) for keys in unlisted]
        answers = self._runner.run_all([*registrations, *operations], patience_s=self._patience_s)
        for keys, answer in zip(unlisted, answers, strict=False):
            if not isinstance(answer, BaseException):
                self._registered[keys.queue] = now
        return answers[len(unlisted) :]

    def close(self) -> None:
        """Wait until every call that is under way has ended."""
        self._coalescer.close()
