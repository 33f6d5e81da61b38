# Generated from enqueuer_async.py by tools/unasync.py: change that file.
"""Stores prepared tasks, and lists their queues among all queues."""

from collections.abc import Collection, Sequence
from typing import Any

from pyasynq.broker.operation import Operation
from pyasynq.broker.operations.bulk import Item, chunked, round_trips, spread
from pyasynq.broker.operations.enqueue import place, register_queue
from pyasynq.broker.runners.direct import DirectStore
from pyasynq.broker.runners.runner import Runner
from pyasynq.clock import Clock
from pyasynq.errors import PyasynqError
from pyasynq.wire.keys import QueueKeys

NEVER = float("-inf")
REGISTER_AGAIN_S = 1.0  # a queue that somebody deletes is listed again at the latest after this


class Enqueuer:
    """Stores tasks of any queue.

    Args:
        namespace: of the keys of every task.
        patience_s: for how long an unreachable Redis is tried.

    Attributes:
        store: stores one task; returns why it was not stored, None if it was.
    """

    def __init__(self, runner: Runner, clock: Clock, *, namespace: str, patience_s: float) -> None:
        self.namespace = namespace
        self._runner = runner
        self._clock = clock
        self._patience_s = patience_s
        self._registered: dict[str, float] = {}
        self._shared = DirectStore(self._store_one, self.store_all)
        self.store = self._shared.add

    def store_all(self, items: Sequence[Item]) -> list[PyasynqError | None]:
        """Store tasks; return for each why it was not stored, None if it was.

        A task whose fate is unknown has a RedisUnavailableError.
        """
        outcomes: list[PyasynqError | None] = [None] * len(items)
        for chunks in round_trips(chunked(items)):
            now_ns = self._clock.redis_now_ns()
            answers = self._run(
                {chunk.keys.queue: chunk.keys for chunk in chunks}.values(),
                [chunk.operation(now_ns) for chunk in chunks],
            )
            spread(chunks, answers, outcomes)
        return outcomes

    def _store_one(self, item: Item) -> PyasynqError | None:
        """As `store_all` with one item, without the search for company."""
        keys, prepared = item
        listed_at = self._registered.get(keys.queue, NEVER)
        if self._clock.monotonic() - listed_at >= REGISTER_AGAIN_S:
            (outcome,) = self.store_all((item,))
            return outcome
        now_ns = self._clock.redis_now_ns()
        operation = place((prepared,), prepared.state, keys, now_ns=now_ns)
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
        """Wait for what is under way."""
        self._shared.close()
