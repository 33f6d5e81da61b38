"""One connection to one node of Redis, which announces when keys change that it was asked for.

This is what Redis calls client-side caching (CLIENT TRACKING, Redis 6 and newer): it remembers
which keys a connection has read, and announces once when one of them changes, whoever changed it.
"""

from collections.abc import Callable, Collection, Sequence
from typing import Any

from redis.asyncio import ConnectionPool

from pyasynq.connection.transport.multiplexed import MultiplexedConnection
from pyasynq.connection.transport.replies import Command, Refusal, Trouble

_START: Sequence[Command] = (("HELLO", 3), ("CLIENT", "TRACKING", "ON"))

OnChange = Callable[["TrackedNode", Collection[bytes] | None], None]


class NoTrackingError(Exception):
    """The node cannot be asked; nothing is known of the keys, and no change is announced.

    Attributes:
        reply: what it answered, or why it did not.
        was_tracking: it could be asked before.
    """

    def __init__(self, reply: Refusal | Trouble, *, was_tracking: bool) -> None:
        super().__init__(str(reply))
        self.reply = reply
        self.was_tracking = was_tracking


class TrackedNode:
    """Asks a node whether keys exist, and hears when they change.

    Args:
        pool: connects to the node.
        on_change: called with the keys that have changed, None for any key of the node: either
            all have, or the connection is lost. It is called again for a key only after another
            question about it.
    """

    def __init__(self, pool: ConnectionPool, on_change: OnChange) -> None:
        self.pool = pool
        self._on_change = on_change
        self._connection = MultiplexedConnection(pool, listener=self)
        self._is_tracking = False

    async def ask(self, questions: Sequence[Command]) -> list[bool]:
        """Return the answers to commands that read keys; changes of them are announced from now on.

        Raises:
            NoTrackingError: the node refuses this, or cannot be reached.
        """
        was_tracking, self._is_tracking = self._is_tracking, True
        start = () if was_tracking else _START
        replies = await self._connection.exchange([*start, *questions])
        for reply in replies:
            if isinstance(reply, Refusal | Trouble):
                self._is_tracking = False
                raise NoTrackingError(reply, was_tracking=was_tracking)
        return [bool(reply) for reply in replies[len(start) :]]

    def announced(self, announcement: Sequence[Any]) -> None:
        """Hear what the node has sent without being asked."""
        if announcement[0] == b"invalidate":
            self._on_change(self, announcement[1])

    def lost(self) -> None:
        """Hear that the connection is lost."""
        self._is_tracking = False
        self._on_change(self, None)

    async def close(self) -> None:
        """Close the connection; safe to repeat."""
        await self._connection.close()
