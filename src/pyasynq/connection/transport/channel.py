"""The socket of one connection for blocking code: what is sent, received and waited for."""

import select
import socket
from time import perf_counter
from typing import Any

from redis import Connection
from typing_extensions import override

from pyasynq.connection.transport.connections import SHORTEST_S
from pyasynq.connection.transport.replies import MISSING, Refusal, is_read_only, new_reader
from pyasynq.lifecycle.busy_wait import WINDOW_S, BusyWaits

MOST_BYTES = 1 << 16  # read at once


class Channel:
    """The socket of a connection, and what reads and watches it from call to call."""

    __slots__ = ("_poll", "_reader", "_socket", "_timeout_s", "connection")

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
        self._timeout_s = timeout_s
        if self._socket is not None:
            self._socket.settimeout(timeout_s)

    def shorten(self, waited_s: float) -> None:
        """Take *waited_s* off the time for which the server may be silent."""
        if self._timeout_s is not None:
            self.limit(self._timeout_s - waited_s)

    def receive(self, count: int, replies: list[Any], busy_waits: BusyWaits | None) -> bool:
        """Append *count* replies to what was sent; return whether the next call may use it too.

        Args:
            busy_waits: decides whether to wait awake; None: asleep.

        Raises:
            OSError: the connection was lost, or the server is silent.
        """
        reader, is_master = self._reader, True
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

    def send(self, data: bytes) -> None:
        """Send *data*; OSError: the connection was lost, or the server takes nothing any more."""
        # sendall would limit the time of the whole, even if it progresses.
        sent = self._socket.send(data)
        while sent < len(data):
            sent += self._socket.send(memoryview(data)[sent:])

    def _receive(self, busy_waits: BusyWaits | None) -> bytes:
        del busy_waits
        received: bytes = self._socket.recv(MOST_BYTES)
        return received


class PlainChannel(Channel):
    """A socket without TLS, which is asked first, and waited for only if it has nothing yet.

    A socket with a time-out would be waited for first, which costs a call of the system each time.
    """

    __slots__ = ("_timeout_ms",)

    _timeout_ms: float | None

    @override
    def limit(self, limit_s: float | None) -> None:
        super().limit(limit_s)
        timeout_s = self._timeout_s
        self._timeout_ms = None if timeout_s is None else timeout_s * 1e3
        self._socket.setblocking(False)

    @override
    def send(self, data: bytes) -> None:
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


def channel_of(connection: Connection) -> Channel:
    """Return the channel of a connection that has just been made."""
    sock: Any = connection._sock  # noqa: SLF001 - as above
    is_plain = type(sock) is socket.socket and hasattr(select, "poll")
    return PlainChannel(connection) if is_plain else Channel(connection)


def _poll_of(sock: socket.socket | None) -> "select.poll | None":
    """Return what watches the socket; None where the system has no `poll` (Windows)."""
    if sock is None or not hasattr(select, "poll"):
        return None
    poll = select.poll()
    poll.register(sock, select.POLLIN | select.POLLHUP)
    return poll
