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

from pyasynq.connection.replies import (
    MISSING,
    Command,
    Trouble,
    is_read_only,
    new_reader,
    packed,
)

MOST_BYTES = 1 << 16  # read at once


class Link:
    """Sends commands over connections of *pool*; they are kept for the next call."""

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool
        self._idle: list[Connection] = []
        self._process_id = os.getpid()

    def exchange(self, commands: Sequence[Command]) -> list[Any]:
        """Send *commands* and return the replies; `Refusal` and `Trouble` stand in their places."""
        data = packed(commands)
        try:
            connection = self._take()
        except (RedisError, OSError) as error:
            return [Trouble(error, was_sent=False)] * len(commands)
        replies: list[Any] = []
        try:
            is_clean = _converse(connection, data, len(commands), replies)
        except Exception as error:  # noqa: BLE001 - lost, silent, or not what a server says
            self._drop(connection)
            return replies + [Trouble(error, was_sent=True)] * (len(commands) - len(replies))
        except BaseException:  # an interrupted caller leaves an answer unread behind
            self._drop(connection)
            raise
        # Nothing may be left over for the next call; and when the master has become a replica,
        # the next call asks for the new one.
        if not is_clean or any(map(is_read_only, replies)):
            self._drop(connection)
        else:
            self._idle.append(connection)
        return replies

    def close(self) -> None:
        """Close the connections that nobody uses; safe to repeat."""
        while self._idle:
            self._drop(self._idle.pop())

    def _take(self) -> Connection:
        if self._process_id != os.getpid():  # a fork: the sockets belong to the parent
            self._idle, self._process_id = [], os.getpid()
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return self._pool.get_connection()
            if _is_quiet(_socket_of(connection)):
                return connection
            self._drop(connection)

    def _drop(self, connection: Connection) -> None:
        connection.disconnect()
        self._pool.release(connection)


def _converse(connection: Connection, data: bytes, count: int, replies: list[Any]) -> bool:
    """Send *data* and append *count* replies; return whether nothing else came.

    Raises:
        OSError: the connection was lost, or the server is silent.
    """
    channel, reader = _socket_of(connection), new_reader()
    unsent = memoryview(data)
    while unsent:  # sendall would limit the time for all of it, however well it goes
        unsent = unsent[channel.send(unsent) :]
    while len(replies) < count:
        reply = reader.gets()
        if reply is not MISSING:
            replies.append(reply)
            continue
        received = channel.recv(MOST_BYTES)
        if not received:
            raise ConnectionError("connection closed by server")
        reader.feed(received)
    return not reader.has_data()


def _is_quiet(channel: socket.socket | None) -> bool:
    """Tell whether nothing has come over an idle connection, such as its end."""
    if channel is None:
        return False
    if not hasattr(select, "poll"):  # Windows
        return not select.select([channel], [], [], 0)[0]
    poll = select.poll()
    poll.register(channel, select.POLLIN | select.POLLHUP)
    return not poll.poll(0)


def _socket_of(connection: Connection) -> Any:
    return connection._sock  # noqa: SLF001 - there is no other way
