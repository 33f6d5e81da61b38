# Generated from enqueuer_async.py by tools/unasync.py: change that file.
"""Stores prepared tasks, and lists their queues among all queues."""

from collections.abc import Sequence

from pyasynq.broker.bulk import Chunk, Item, chunked, round_trips, spread
from pyasynq.broker.enqueue import register_queue
from pyasynq.broker.operation import Operation
from pyasynq.broker.runner import Runner
from pyasynq.broker.shared import Shared
from pyasynq.clock import Clock
from pyasynq.errors import PyasynqError

REGISTER_AGAIN_S = 1.0  # a queue that somebody deletes is listed again at the latest after this


class Enqueuer:
    """Stores tasks of any queue.

    Args:
        patience_s: for how long an unreachable Redis is tried.
    """

    def __init__(self, runner: Runner, clock: Clock, *, patience_s: float) -> None:
        self._runner = runner
        self._clock = clock
        self._patience_s = patience_s
        self._registered: dict[str, float] = {}
        self._shared = Shared(self.store_all)

    def store(self, item: Item) -> PyasynqError | None:
        """Store one task; return why it was not stored, None if it was."""
        return self._shared.add(item)

    def store_all(self, items: Sequence[Item]) -> list[PyasynqError | None]:
        """Store tasks; return for each why it was not stored, None if it was.

        A task whose fate is unknown has a RedisUnavailableError.
        """
        outcomes: list[PyasynqError | None] = [None] * len(items)
        for chunks in round_trips(chunked(items)):
            registrations = self._registrations(chunks)
            now_ns = self._clock.redis_now_ns()
            answers = self._runner.run_all(
                [*registrations.values(), *(chunk.operation(now_ns) for chunk in chunks)],
                patience_s=self._patience_s,
            )
            for queue, answer in zip(registrations, answers, strict=False):
                if not isinstance(answer, BaseException):
                    self._registered[queue] = self._clock.monotonic()
            spread(chunks, answers[len(registrations) :], outcomes)
        return outcomes

    def close(self) -> None:
        """Wait for what is under way."""
        self._shared.close()

    def _registrations(self, chunks: Sequence[Chunk]) -> dict[str, Operation[None]]:
        """Return what lists the queues of *chunks*, unless that was done a moment ago."""
        now = self._clock.monotonic()
        return {
            chunk.keys.queue: register_queue(chunk.keys.queue, namespace=chunk.keys.namespace)
            for chunk in chunks
            if now - self._registered.get(chunk.keys.queue, float("-inf")) >= REGISTER_AGAIN_S
        }
