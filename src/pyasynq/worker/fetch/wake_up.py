"""Wakes an idle server when a task is pushed, by a Python or a Go producer.

Redis announces it over one connection, for any number of queues. Where it cannot (before Redis 6,
behind some proxies, without the rights), a connection is blocked for each queue; where that is not
possible either, or the queues are too many, the server polls.
"""

from collections.abc import Collection

from pyasynq.wire.keys import QueueKeys
from pyasynq.worker.fetch.blocking_waits import BlockingWaits
from pyasynq.worker.fetch.empty_queues import EmptyQueues
from pyasynq.worker.resources import ServerResources

SHORTEST_RENEW_S = 60


class WakeUp:
    """The ways in which a push can wake one server.

    Attributes:
        renew_s: how often each queue is asked whether the server may go on waiting.
        empty: queues that need not be asked for tasks: a push to one of them will be announced.
    """

    def __init__(self, resources: ServerResources) -> None:
        # However many queues there are, asking them costs one command a second.
        self.renew_s: int = max(SHORTEST_RENEW_S, len(resources.config.queues))
        self._announced = EmptyQueues(resources, known_for_s=self.renew_s)
        self._blocking = BlockingWaits(resources, renew_s=self.renew_s)
        self.empty: Collection[str] = self._announced.known.keys()

    def is_possible(self, queue: str) -> bool:
        """Whether to ask to be one of the servers that wait for a push to *queue*."""
        return self._announced.is_possible or self._blocking.is_possible(queue)

    def track(self, queues: Collection[QueueKeys]) -> None:
        """Take note of queues that were empty in a fetch that brought tasks of others."""
        if queues and self._announced.is_possible:
            self._announced.track(queues)

    def watch(self, queues: Collection[QueueKeys]) -> int:
        """Wait for a push to any of *queues*, which were empty; return how many can wake us."""
        if self._announced.is_possible:
            self._announced.track(queues)
            return len(self.empty)
        possible = [keys for keys in queues if self._blocking.is_possible(keys.queue)]
        self._blocking.watch(possible)
        return len(possible)

    async def close(self) -> None:
        """Wait no more."""
        await self._announced.close()
        await self._blocking.close()
