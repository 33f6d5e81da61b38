"""Wakes an idle server when a task is pushed, where Redis does not announce changes of keys.

A blocking move of the last pending task to the same end of its list changes nothing and answers as
soon as there is a task. A move that ends without a push is made again at once, for as long as the
server may wait on that queue, so an idle server sends little.
"""

import asyncio
import logging
from collections.abc import Iterable

from pyasynq.broker.operations import dequeue
from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.errors import PyasynqError, RedisUnavailableError
from pyasynq.lifecycle.backoff import Backoff
from pyasynq.lifecycle.shutdown import cancel_all
from pyasynq.wire.keys import QueueKeys
from pyasynq.worker.resources import ServerResources

logger = logging.getLogger("pyasynq.processor")

SHORTEST_BLOCK_S = 5
ANSWER_S = 5.0  # more than it blocks, and a server that has not answered is gone
SLACK_S = 0.05  # a timer may come a little early
MOST_QUEUES = 16  # each has a connection of its own
FIRST_PAUSE_S, PAUSE_S = 0.5, 30.0  # for which a queue is polled after an error


class BlockingWaits:
    """One blocked connection per idle queue.

    Args:
        renew_s: for how long the server may wait without asking again.
    """

    def __init__(self, resources: ServerResources, *, renew_s: float) -> None:
        self._renew_s = renew_s
        queues = len(resources.config.queues)
        # However many queues there are, they cost one command a second.
        self._block_s = max(SHORTEST_BLOCK_S, queues)
        self._client = resources.connector.open_async(socket_timeout_s=self._block_s + ANSWER_S)
        self._clock = resources.clock
        self._is_possible = queues <= MOST_QUEUES
        self._changed = resources.changed
        self._runners: dict[str, AsyncRunner] = {}
        self._waits: dict[str, asyncio.Task[None]] = {}
        self._until = 0.0  # monotonic
        self._not_before: dict[str, float] = {}  # monotonic
        self._backoffs: dict[str, Backoff] = {}  # by queue, after a node did not answer

    def is_possible(self, queue: str) -> bool:
        """Whether to ask to be one of the servers that wait for a push to *queue*."""
        return self._is_possible and self._clock.monotonic() >= self._not_before.get(queue, 0.0)

    def watch(self, queues: Iterable[QueueKeys]) -> None:
        """Wait for a push to any of *queues*, for `renew_s` after the last call."""
        self._until = self._clock.monotonic() + self._renew_s
        for keys in queues:
            if keys.queue not in self._waits:
                name = f"pyasynq wake-up of {keys.queue}"
                self._waits[keys.queue] = asyncio.create_task(self._wait(keys), name=name)

    async def close(self) -> None:
        """Wait no more."""
        await cancel_all(*self._waits.values())
        for runner in self._runners.values():
            await runner.close()
        await self._client.aclose()

    async def _wait(self, keys: QueueKeys) -> None:
        runner = self._runners.get(keys.queue)
        if runner is None:
            # One for each: over a shared connection, one queue would wait for the other.
            runner = self._runners[keys.queue] = AsyncRunner(self._client, clock=self._clock)
        push = dequeue.wait_for_push(keys, within_s=self._block_s)
        try:
            while not await runner.run(push, patience_s=0):
                self._backoffs.pop(keys.queue, None)
                if self._clock.monotonic() > self._until:
                    break
        except PyasynqError as error:
            logger.debug("queue %s is polled: %s", keys.queue, error)
            pause_s = self._pause_s(keys.queue, error)
            self._not_before[keys.queue] = self._clock.monotonic() + pause_s
            # Only a fetch asks whether we may wait, and an idle server makes none by itself.
            asyncio.get_running_loop().call_later(pause_s + SLACK_S, self._changed.set)
        finally:
            del self._waits[keys.queue]
            self._changed.set()

    def _pause_s(self, queue: str, error: PyasynqError) -> float:
        """Return for how long to poll: not long if another node has only taken the queue over."""
        if not isinstance(error, RedisUnavailableError):
            return PAUSE_S
        return self._backoffs.setdefault(queue, Backoff(FIRST_PAUSE_S, PAUSE_S)).next_s()
