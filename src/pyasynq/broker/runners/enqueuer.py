# Generated from enqueuer_async.py by tools/unasync.py: change that file.
"""Stores prepared tasks, and lists their queues among all queues."""

from collections.abc import Collection, Sequence
from typing import Any

from pyasynq.broker.new_tasks.prepare import PreparedTask
from pyasynq.broker.operation import Operation
from pyasynq.broker.operations.bulk import Chunk, chunked, outcomes_of, round_trips, spread
from pyasynq.broker.operations.enqueue import register_queue, store
from pyasynq.broker.runners.direct import DirectStore, Stored
from pyasynq.broker.runners.runner import Runner
from pyasynq.clock import Clock
from pyasynq.errors import NotReplicatedError, PyasynqError, RedisUnavailableError
from pyasynq.wire.keys import QueueKeys

NEVER = float("-inf")
REGISTER_AGAIN_S = 1.0  # a queue that was deleted meanwhile is listed again after this


class Enqueuer:
    """Stores tasks of any queue.

    Args:
        namespace: of the keys of every task.
        patience_s: for how long an unreachable Redis is tried.
        is_slow: each write takes a while, so all that come meanwhile are stored by the next one.
    """

    def __init__(
        self,
        runner: Runner,
        clock: Clock,
        *,
        namespace: str,
        patience_s: float,
        is_slow: bool = False,
    ) -> None:
        self.namespace = namespace
        self._runner = runner
        self._clock = clock
        self._patience_s = patience_s
        self._registered: dict[str, float] = {}
        self._is_slow = is_slow
        self._coalescer = self._new_coalescer()
        # Of each queue in a cluster: no task waits for the node of another one.
        self._coalescers: dict[str, DirectStore] | None = {} if runner.is_cluster else None

    def store(self, item: PreparedTask) -> Stored:
        """Store one task, together with others that are stored at the same time.

        Returns:
            Why it was not stored, None if it was; a RedisUnavailableError if that is not known.
        """
        if self._coalescers is None:
            return self._coalescer.add(item)
        queue = item.keys.queue
        coalescer = self._coalescers.get(queue)
        if coalescer is None:
            coalescer = self._coalescers[queue] = self._new_coalescer()
        return coalescer.add(item)

    def store_within(self, item: PreparedTask, limit_s: float) -> PyasynqError | None:
        """Store one task alone, and try for *limit_s* in place of the usual patience."""
        (outcome,) = self.store_all((item,), limit_s=limit_s)
        return outcome

    def store_all(
        self, items: Sequence[PreparedTask], *, limit_s: float | None = None
    ) -> list[PyasynqError | None]:
        """Store tasks; return for each what `store` returns.

        Args:
            limit_s: for how long each round trip is tried; the usual patience if not given. The
                round trips after one that was tried in vain are left out; in a cluster, those to
                the same queue.
        """
        outcomes: list[PyasynqError | None] = [None] * len(items)
        outages: dict[str, RedisUnavailableError] = {}  # by queue; "" is Redis as a whole
        for together in round_trips(chunked(items)):
            chunks = [each for each in together if self._place_of(each) not in outages]
            if outages:
                left_out = [each for each in together if self._place_of(each) in outages]
                spread(left_out, [outages[self._place_of(each)] for each in left_out], outcomes)
            if not chunks:
                continue
            now_ns = self._clock.redis_now_ns()
            answers = self._run(
                {chunk.keys.queue: chunk.keys for chunk in chunks}.values(),
                [chunk.operation(now_ns) for chunk in chunks],
                limit_s,
            )
            spread(chunks, answers, outcomes)
            for chunk, answer in zip(chunks, answers, strict=True):
                if _is_outage(answer):
                    outages.setdefault(self._place_of(chunk), answer)
        return outcomes

    def _new_coalescer(self) -> DirectStore:
        return DirectStore(self._store_one, self.store_all, is_slow=self._is_slow)

    def _place_of(self, chunk: Chunk) -> str:
        """Return the queue of a chunk if it may be away alone; the same text for all if not."""
        return chunk.keys.queue if self._runner.is_cluster else ""

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
            return outcomes_of(error, 1)[0]
        return outcomes[0]

    def _run(
        self,
        queues: Collection[QueueKeys],
        operations: Sequence[Operation[Any]],
        limit_s: float | None,
    ) -> list[Any]:
        """Run operations, and list their queues unless that was done a moment ago."""
        now = self._clock.monotonic()
        unlisted = [
            keys
            for keys in queues
            if now - self._registered.get(keys.queue, NEVER) >= REGISTER_AGAIN_S
        ]
        if not unlisted:
            return self._run_all(operations, limit_s)
        registrations = [register_queue(keys.queue, namespace=keys.namespace) for keys in unlisted]
        if self._runner.is_cluster:
            # The list of the queues is on one node, which may be away when theirs are not.
            listed = self._runner.run_all(registrations, patience_s=0)
            answers = [*listed, *self._run_all(operations, limit_s)]
        else:
            answers = self._run_all([*registrations, *operations], limit_s)
        for keys, answer in zip(unlisted, answers, strict=False):
            if not isinstance(answer, BaseException):
                self._registered[keys.queue] = now
        return answers[len(unlisted) :]

    def _run_all(self, operations: Sequence[Operation[Any]], limit_s: float | None) -> list[Any]:
        if limit_s:
            return self._runner.run_within(operations, limit_s)
        patience_s = self._patience_s if limit_s is None else 0.0  # which means a single try
        return self._runner.run_all(operations, patience_s=patience_s)

    def close(self) -> None:
        """Wait until every call that is under way has ended."""
        for coalescer in (self._coalescer, *(self._coalescers or {}).values()):
            coalescer.close()


def _is_outage(answer: object) -> bool:
    is_away = isinstance(answer, RedisUnavailableError)
    return is_away and not isinstance(answer, NotReplicatedError)
