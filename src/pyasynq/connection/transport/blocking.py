"""Connections to one server for blocking code, one for each thread that calls at the moment.

The counterpart of link_async.py, where the reason is told: redis-py connects, the rest is ours.
"""

import os
import select
import socket
from collections.abc import Sequence
from typing import Any

from redis import Connection, ConnectionPool
from redis.exceptions import RedisError

from pyasynq.connection.transport.replies import (
    MISSING,
    Command,
    Refusal,
    Trouble,
    is_read_only,
    new_reader,
    packed,
)

MOST_BYTES = 1 << 16  # read at once


class BlockingConnections:
    """Sends commands over connections of *pool*; they are kept for the next call."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool
        self._idle: list[_Channel] = []
        self._process_id = os.getpid()

    def exchange(self, commands: Sequence[Command], *, is_patient: bool = False) -> list[Any]:
        """Send *commands* and return the replies; `Refusal` and `Trouble` stand in their places.

        Args:
            is_patient: as of the counterpart; a caller that blocks has no company to wait for.
        """
        del is_patient
        data = packed(commands)
        try:
            line = self._take()
        except (RedisError, OSError) as error:
            return [Trouble(error, was_sent=False)] * len(commands)
        replies: list[Any] = []
        try:
            may_stay = line.converse(data, len(commands), replies)
        except Exception as error:  # noqa: BLE001 - lost, silent, or not what a server says
            self._drop(line)
            return replies + [Trouble(error, was_sent=True)] * (len(commands) - len(replies))
        except BaseException:  # an interrupted caller leaves an answer unread behind
            self._drop(line)
            raise
        if may_stay:
            self._idle.append(line)
        else:
            self._drop(line)
        return replies

    def close(self) -> None:
        """Close the connections that nobody uses; safe to repeat."""
        while self._idle:
            self._drop(self._idle.pop())

    def _take(self) -> "_Channel":
        if self._process_id != os.getpid():  # a fork: the sockets belong to the parent
            self._idle, self._process_id = [], os.getpid()
        while True:
            try:
                line = self._idle.pop()
            except IndexError:
                return _Channel(self._pool.get_connection())
            if line.is_quiet():
                return line
            self._drop(line)

    def _drop(self, line: "_Channel") -> None:
        line.connection.disconnect()
        self._pool.release(line.connection)


class _Channel:
    """The socket of a connection, and what reads and watches it from call to call."""

    __slots__ = ("_channel", "_poll", "_reader", "connection")

    def __init__(self, connection: Connection) -> None:
        self.connection: Any = connection
        self._channel: Any = connection._sock  # noqa: SLF001 - there is no other way
        self._reader = new_reader()
        self._poll = _poll_of(self._channel)

    def converse(self, data: bytes, count: int, replies: list[Any]) -> bool:
        """Send *data* and append *count* replies; return whether the next call may use the line.

        Raises:
            OSError: the connection was lost, or the server is silent.
        """
        channel, reader, is_master = self._channel, self._reader, True
        sent = channel.send(data)
        if sent < len(data):
            _send_rest(channel, memoryview(data)[sent:])
        while len(replies) < count:
            reply = reader.gets()
            if reply is MISSING:
                received = channel.recv(MOST_BYTES)
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
        """Tell whether nothing has come over an idle connection, such as its end."""
        channel = self._channel
        if channel is None or channel is not self.connection._sock:  # noqa: SLF001 - as above
            return False
        if self._poll is None:
            return not select.select([channel], [], [], 0)[0]
        return not self._poll.poll(0)


def _send_rest(channel: Any, unsent: memoryview) -> None:
    """Send what did not fit; sendall would limit the time for all of it, however well it goes."""
    while unsent:
        unsent = unsent[channel.send(unsent) :]


def _poll_of(channel: socket.socket | None) -> "select.poll | None":
    """Return what watches the socket; None where there is nothing of the kind (Windows)."""
    if channel is None or not hasattr(select, "poll"):
        return None
    poll = select.poll()
    poll.register(channel, select.POLLIN | select.POLLHUP)
    return poll
