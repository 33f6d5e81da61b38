"""Connections to one server for blocking code, one for each thread that calls at the moment.

The counterpart of multiplexed.py, where the reason stands: redis-py connects, the rest is ours.
"""

import os
import select
import socket
import time
from collections.abc import Sequence
from time import perf_counter
from typing import Any

from redis import Connection, ConnectionPool
from typing_extensions import override

from pyasynq.connection.transport.connections import SHORTEST_S
from pyasynq.connection.transport.connections import connecting_within as within
from pyasynq.connection.transport.proxy import Proxy, merged
from pyasynq.connection.transport.replies import (
    MISSING,
    Command,
    Refusal,
    Trouble,
    is_read_only,
    new_reader,
    packed,
)
from pyasynq.lifecycle.busy_wait import WINDOW_S, BusyWaits

__all__ = ("BlockingConnections", "within")

MOST_BYTES = 1 << 16  # read at once


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
        self._idle: list[_Channel] = []
        self._calls: list[None] = []  # one for each that is under way, in any thread
        self._process_id = os.getpid()
        self._proxy: Proxy | None = pool.connection_kwargs.get("proxy")

    def exchange(self, commands: Sequence[Command], *, limit_s: float | None = None) -> list[Any]:
        """Send *commands* and return the replies; `Refusal` and `Trouble` stand for errors.

        Args:
            limit_s: for how long to wait for the replies while the server is silent; None: as
                long as the time-out. It holds for connecting, too.
        """
        data = packed(commands)
        try:
            channel = self._take(limit_s)
        except Exception as error:  # noqa: BLE001 - whatever it is, there is no connection
            return [Trouble(error, was_sent=False)] * len(commands)
        if self._proxy is not None and self._proxy.is_there:
            sent, refused = self._proxy.sort(commands)
            return merged(self._converse(channel, packed(sent), len(sent), limit_s), refused)
        return self._converse(channel, data, len(commands), limit_s)

    def close(self) -> None:
        """Close the connections that nobody uses; safe to repeat."""
        while self._idle:
            self._drop(self._idle.pop())

    def _converse(
        self, channel: "_Channel", data: bytes, count: int, limit_s: float | None
    ) -> list[Any]:
        """Send *data* over a channel, and keep or drop it; return *count* replies."""
        replies: list[Any] = []
        self._calls.append(None)
        busy_waits = self._busy_waits if len(self._calls) == 1 else None
        try:
            may_stay = channel.converse(data, count, replies, busy_waits)
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
        if may_stay:
            self._idle.append(channel)
        else:
            self._drop(channel)
        return replies

    def _take(self, limit_s: float | None) -> "_Channel":
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

    def _connected(self, limit_s: float | None) -> "_Channel":
        begin = time.monotonic()
        with within(limit_s or self._limit_s):
            connection = self._pool.get_connection()
        channel = _channel_of(connection)
        if limit_s is not None:
            channel.limit(limit_s - (time.monotonic() - begin))
        return channel

    def _drop(self, channel: "_Channel") -> None:
        channel.connection.disconnect()
        self._pool.release(channel.connection)


class _Channel:
    """The socket of a connection, and what reads and watches it from call to call."""

    __slots__ = ("_poll", "_reader", "_socket", "connection")

    def __init__(self, connection: Connection) -> None:
        self.connection: Any = connection
        self._socket: Any = connection._sock  # noqa: SLF001 - there is no other way
        self.limit(None)  # it was made in a hurry, perhaps
        self._reader = new_reader()
        self._poll = _poll_of(self._socket)

    def limit(self, limit_s: float | None) -> None:
        """Let the server be silent for *limit_s* at most, if that is less than the time-out."""
        timeout_s: float | None = self.connection.socket_timeout
        if limit_s is not None:
            timeout_s = max(SHORTEST_S, min(limit_s, timeout_s or limit_s))
        if self._socket is not None:
            self._socket.settimeout(timeout_s)

    def converse(
        self, data: bytes, count: int, replies: list[Any], busy_waits: BusyWaits | None
    ) -> bool:
        """Send *data* and append *count* replies; return whether the next call may use it too.

        Args:
            busy_waits: decides whether to wait awake; None: asleep.

        Raises:
            OSError: the connection was lost, or the server is silent.
        """
        reader, is_master = self._reader, True
        self._send(data)
        while len(replies) < count:
            reply = reader.gets()
            if reply is MISSING:
                received = self._receive(busy_waits)
                if not received:
                    raise ConnectionError("connection closed by server")
                reader.feed(received)
                continue
            replies.append(reply)
            if type(reply) is Refusal:
                is_master = is_master and not is_read_only(reply)
        # Nothing may be left over for the next call; and when the master has become a replica,
        # the next call asks for the new one.
        return is_master and not reader.has_data()

    def is_quiet(self) -> bool:
        """Return whether nothing has arrived over an idle connection, not even its end."""
        sock = self._socket
        if sock is None or sock is not self.connection._sock:  # noqa: SLF001 - as above
            return False
        if self._poll is None:
            return not select.select([sock], [], [], 0)[0]
        return not self._poll.poll(0)

    def _send(self, data: bytes) -> None:
        # sendall would limit the time of the whole, even if it progresses.
        sent = self._socket.send(data)
        while sent < len(data):
            sent += self._socket.send(memoryview(data)[sent:])

    def _receive(self, busy_waits: BusyWaits | None) -> bytes:
        del busy_waits
        received: bytes = self._socket.recv(MOST_BYTES)
        return received


class _PlainChannel(_Channel):
    """A socket without TLS, which is asked first, and waited for only if it has nothing yet.

    A socket with a time-out would be waited for first, which costs a call of the system each time.
    """

    __slots__ = ("_timeout_ms",)

    _timeout_ms: float | None

    @override
    def limit(self, limit_s: float | None) -> None:
        super().limit(limit_s)
        timeout_s = self._socket.gettimeout()
        self._timeout_ms = None if timeout_s is None else timeout_s * 1e3
        self._socket.setblocking(False)

    @override
    def _send(self, data: bytes) -> None:
        unsent = memoryview(data)
        while unsent:
            try:
                unsent = unsent[self._socket.send(unsent) :]
            except BlockingIOError:
                self._wait(select.POLLOUT)

    @override
    def _receive(self, busy_waits: BusyWaits | None) -> bytes:
        if busy_waits is not None and busy_waits.may_begin():
            end = perf_counter() + WINDOW_S
            while perf_counter() < end:
                try:
                    received: bytes = self._socket.recv(MOST_BYTES)
                except BlockingIOError:
                    continue
                busy_waits.succeeded()
                return received
            busy_waits.failed()
        while True:
            self._wait(select.POLLIN)
            try:
                received = self._socket.recv(MOST_BYTES)
            except BlockingIOError:  # somebody else's signal, or nothing after all
                continue
            return received

    def _wait(self, event: int) -> None:
        poll: Any = self._poll  # there is one, or this were no plain channel
        poll.modify(self._socket, event)
        try:
            if not poll.poll(self._timeout_ms):
                raise TimeoutError("timed out")
        finally:
            poll.modify(self._socket, select.POLLIN | select.POLLHUP)


def _channel_of(connection: Connection) -> _Channel:
    sock: Any = connection._sock  # noqa: SLF001 - as above
    is_plain = type(sock) is socket.socket and hasattr(select, "poll")
    return _PlainChannel(connection) if is_plain else _Channel(connection)


def _poll_of(sock: socket.socket | None) -> "select.poll | None":
    """Return what watches the socket; None where the system has no `poll` (Windows)."""
    if sock is None or not hasattr(select, "poll"):
        return None
    poll = select.poll()
    poll.register(sock, select.POLLIN | select.POLLHUP)
    return poll
