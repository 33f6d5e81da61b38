"""Connections to one server for blocking code, one for each thread that calls at the moment.

The counterpart of multiplexed.py, where the reason stands: redis-py connects, the rest is ours.
"""

import os
import time
from collections.abc import Sequence
from threading import Lock as Turns
from typing import Any, Protocol

from redis import ConnectionPool

from pyasynq.connection.transport.channel import Channel, channel_of
from pyasynq.connection.transport.connections import connecting_within as within
from pyasynq.connection.transport.proxy import Proxy, merged
from pyasynq.connection.transport.replies import Command, Trouble, packed
from pyasynq.lifecycle.busy_wait import BusyWaits

__all__ = ("BlockingConnections", "Reconnection", "Turns", "exchange_all", "within")


class BlockingConnections:
    """Sends commands over connections of *pool*; they are kept for the next call.

    Args:
        limit_s: for how long a call that has to connect may take; None: only the time-outs count.
        busy_wait: whether a lone call may wait awake for its answer.
    """

    def __init__(
        self, pool: ConnectionPool, *, limit_s: float | None = None, busy_wait: bool = False
    ) -> None:
        self._pool = pool
        self._limit_s = limit_s
        self._busy_waits = BusyWaits(is_wanted=busy_wait)
        self._idle: list[Channel] = []
        self._calls: list[None] = []  # one for each that is under way, in any thread
        self._process_id = os.getpid()
        self._is_retired = self._has_failed = False
        self._proxy: Proxy | None = pool.connection_kwargs.get("proxy")

    def exchange(self, commands: Sequence[Command], *, limit_s: float | None = None) -> list[Any]:
        """Send *commands* and return the replies; `Refusal` and `Trouble` stand for errors.

        Args:
            limit_s: for how long to wait for the replies while the server is silent; None: as
                long as the time-out. It holds for connecting, too.
        """
        data = packed(commands)
        channel = self._try_to_take(limit_s)
        if isinstance(channel, Trouble):
            return [channel] * len(commands)
        if self._proxy is not None and self._proxy.is_there:
            sent, refused = self._proxy.sort(commands)
            return merged(self._converse(channel, packed(sent), len(sent), limit_s), refused)
        return self._converse(channel, data, len(commands), limit_s)

    @property
    def hurdles(self) -> int:
        """How much stands between a call and the server; 0 if a connection is open and idle."""
        return (not self._idle) + 2 * self._has_failed

    def begin(self, commands: Sequence[Command], limit_s: float | None) -> "Exchange":
        """Send *commands*; what is returned receives the replies.

        Args:
            limit_s: see `exchange`.
        """
        channel = self._try_to_take(limit_s)
        trouble: Trouble | None = None
        if isinstance(channel, Trouble):
            return Exchange(self, None, len(commands), channel)
        try:
            channel.send(packed(commands))
        except Exception as error:  # noqa: BLE001 - lost, or silent
            trouble = Trouble(error, was_sent=True)
        except BaseException:
            self._drop(channel)
            raise
        return Exchange(self, channel, len(commands), trouble)

    def close(self) -> None:
        """Close the connections that nobody uses; safe to repeat."""
        while self._idle:
            self._drop(self._idle.pop())

    def retire(self) -> None:
        """Keep no connection any more: close those that nobody uses, and the others after use."""
        self._is_retired = True
        self.close()

    def release(self, channel: Channel, *, may_stay: bool) -> None:
        """Take back the connection of an exchange; keep it for the next one if it *may_stay*."""
        self._has_failed = not may_stay
        if may_stay and not self._is_retired:
            self._idle.append(channel)
        else:
            self._drop(channel)

    def _converse(
        self, channel: Channel, data: bytes, count: int, limit_s: float | None
    ) -> list[Any]:
        """Send *data* over a channel, and keep or drop it; return *count* replies."""
        replies: list[Any] = []
        self._calls.append(None)
        busy_waits = self._busy_waits if len(self._calls) == 1 else None
        try:
            channel.send(data)
            may_stay = channel.receive(count, replies, busy_waits)
            if limit_s is not None:
                channel.limit(None)
        except Exception as error:  # noqa: BLE001 - lost, silent, or not what a server sends
            self._drop(channel)
            return replies + [Trouble(error, was_sent=True)] * (count - len(replies))
        except BaseException:  # an interrupted caller leaves an answer unread behind
            self._drop(channel)
            raise
        finally:
            self._calls.pop()
        self.release(channel, may_stay=may_stay)
        return replies

    def _try_to_take(self, limit_s: float | None) -> Channel | Trouble:
        try:
            return self._take(limit_s)
        except Exception as error:  # noqa: BLE001 - whatever it is, there is no connection
            self._has_failed = True
            return Trouble(error, was_sent=False)

    def _take(self, limit_s: float | None) -> Channel:
        if self._process_id != os.getpid():  # a fork: the sockets belong to the parent
            self._idle, self._process_id = [], os.getpid()
        while True:
            try:
                channel = self._idle.pop()
            except IndexError:
                return self._connected(limit_s)
            if channel.is_quiet():
                if limit_s is not None:
                    channel.limit(limit_s)
                return channel
            self._drop(channel)

    def _connected(self, limit_s: float | None) -> Channel:
        begin = time.monotonic()
        with within(limit_s or self._limit_s):
            connection = self._pool.get_connection()
        channel = channel_of(connection)
        if limit_s is not None:
            channel.limit(limit_s - (time.monotonic() - begin))
        return channel

    def _drop(self, channel: Channel) -> None:
        channel.connection.disconnect()
        self._pool.release(channel.connection)


class Reconnection:
    """Nothing: there is no background in blocking code, where each call finds out for itself."""

    is_over = True

    def __init__(self, connections: "Exchanging") -> None:
        """Take what the counterpart takes."""

    def close(self) -> None:
        """Do nothing."""


class Exchange:
    """Commands that were sent over a connection of their own, and the replies to come.

    Args:
        channel: None if there is no connection.
        trouble: why they could not be sent; None if they were.
    """

    def __init__(
        self,
        connections: BlockingConnections,
        channel: Channel | None,
        count: int,
        trouble: Trouble | None,
    ) -> None:
        self._connections = connections
        self._channel = channel
        self._count = count
        self._trouble = trouble

    def replies(self, waited_s: float) -> list[Any]:
        """Receive the replies; those that do not come are a `Trouble`.

        Args:
            waited_s: for how long the server could have answered already.
        """
        replies: list[Any] = []
        channel, trouble, may_stay = self._channel, self._trouble, False
        if channel is not None and trouble is None:
            try:
                channel.shorten(waited_s)
                may_stay = channel.receive(self._count, replies, None)
                channel.limit(None)
            except Exception as error:  # noqa: BLE001 - lost, silent, or not what a server sends
                trouble = Trouble(error, was_sent=True)
        self._channel = None
        if channel is not None:
            self._connections.release(channel, may_stay=may_stay)
        return replies if trouble is None else replies + [trouble] * (self._count - len(replies))

    def abandon(self) -> None:
        """Close the connection, if the replies were not received: they are left unread."""
        if self._channel is not None:
            self._connections.release(self._channel, may_stay=False)
            self._channel = None


class Exchanging(Protocol):
    """A connection, or what stands before one."""

    def exchange(self, commands: Sequence[Command], *, limit_s: float | None = None) -> list[Any]:
        """Send *commands* and return the replies."""


def exchange_all(
    calls: Sequence[tuple[Exchanging, Sequence[Command]]],
    *,
    limit_s: float | None = None,
) -> list[list[Any]]:
    """Send commands over several connections at the same time; return the replies of each.

    A server that is silent does not delay the others: they are sent their commands before it is
    waited for, and what has to connect, or has failed before, comes last. Connections that wait for
    replicas are used one after the other.
    """
    plain = [(each, commands) for each, commands in calls if isinstance(each, BlockingConnections)]
    if len(calls) == 1 or len(plain) < len(calls):
        return [each.exchange(commands, limit_s=limit_s) for each, commands in calls]
    order = sorted(range(len(plain)), key=lambda position: plain[position][0].hurdles)
    under_way: dict[int, tuple[Exchange, float]] = {}
    replies: list[list[Any]] = [[] for _ in calls]
    try:
        for position in order:
            connections, commands = plain[position]
            under_way[position] = connections.begin(commands, limit_s), time.monotonic()
        for position, (exchange, begin) in under_way.items():
            replies[position] = exchange.replies(time.monotonic() - begin)
    finally:
        for exchange, _begin in under_way.values():
            exchange.abandon()
    return replies
