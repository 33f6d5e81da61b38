"""One connection to one server, shared by all callers of an event loop.

redis-py connects, logs in and knows TLS and Sentinel; then the socket is ours, since its parser and
its time limits cost more for a small batch than all the rest. Commands of all callers go out in
the order of their calls, and replies come back in that order. link.py is the blocking counterpart.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Sequence
from typing import Any

from redis.asyncio import Connection, ConnectionPool
from redis.exceptions import ConnectionError as NoConnectionError
from redis.exceptions import RedisError
from typing_extensions import override

from pyasynq.connection.transport.replies import (
    MISSING,
    Command,
    Refusal,
    Trouble,
    is_read_only,
    new_reader,
    packed,
)
from pyasynq.errors import ConfigError

CHECKS_PER_TIMEOUT = 4


class MultiplexedConnection:
    """Sends commands over one connection of *pool*, made when it is needed and after a loss.

    It belongs to the event loop that uses it; another may take it over once that one is closed.
    """

    def __init__(self, pool: ConnectionPool) -> None:
        self._pool = pool
        self._connection: Connection | None = None
        self._line: _Channel | None = None
        self._connecting = asyncio.Lock()

    def exchange(
        self, commands: Sequence[Command], *, is_patient: bool = False
    ) -> Awaitable[list[Any]]:
        """Send *commands* and return the replies; `Refusal` and `Trouble` stand in their places.

        They are sent before it returns if there is a connection and no patience. Cancelling one
        caller leaves the others alone; the server may have executed its commands.

        Args:
            is_patient: what another caller sends in this turn of the event loop may take these
                commands along, so that the server is woken only once.

        Raises:
            ConfigError: another event loop uses this link.
        """
        line = self._line
        if line is not None and line.loop is not asyncio.get_running_loop():
            self._take_over(line)
            line = None
        if line is None or not line.is_usable or not commands:
            return self._connect_and_exchange(commands, is_patient=is_patient)
        return line.send(packed(commands), len(commands), is_patient=is_patient)

    async def close(self) -> None:
        """Close the connection, and tell who still waits; safe to repeat."""
        if self._line is not None and self._line.loop.is_closed():
            self._take_over(self._line)
        async with self._connecting:
            if self._line is not None:
                self._line.close()
            await self._let_go(is_awaited=True)

    async def _connect_and_exchange(
        self, commands: Sequence[Command], *, is_patient: bool
    ) -> list[Any]:
        if not commands:
            return []
        try:
            line = await self._connect()
        except (RedisError, OSError) as error:
            return [Trouble(error, was_sent=False)] * len(commands)
        return await line.send(packed(commands), len(commands), is_patient=is_patient)

    def _take_over(self, line: "_Channel") -> None:
        """Forget what belongs to a loop that is closed."""
        if not line.loop.is_closed():
            raise ConfigError(
                "this client is used by another event loop; make a client for each event loop"
            )
        self._line = self._connection = None
        self._connecting = asyncio.Lock()
        self._pool.reset()

    async def _connect(self) -> "_Channel":
        async with self._connecting:
            if self._line is not None and self._line.is_usable:
                return self._line  # somebody else was faster
            await self._let_go()
            self._connection = await self._pool.get_connection()
            self._line = _Channel.of(self._connection)
            return self._line

    async def _let_go(self, *, is_awaited: bool = False) -> None:
        line, self._line = self._line, None
        connection, self._connection = self._connection, None
        if line is not None and connection is not None and line.retire():
            # Some still wait for replies over it; the line closes when they have them.
            connection._reader = connection._writer = None  # noqa: SLF001 - there is no other way
        if connection is not None:
            await connection.disconnect(nowait=not is_awaited)
            await self._pool.release(connection)


class _Channel(asyncio.Protocol):
    """The connection itself: who waits for how many replies, in the order of the calls."""

    def __init__(self, writer: asyncio.StreamWriter, timeout_s: float | None) -> None:
        self.is_usable = True
        self.loop = asyncio.get_running_loop()
        self._writer = writer  # it closes the transport when nobody refers to it any more
        self._transport: Any = writer.transport
        self._former = self._transport.get_protocol()
        self._timeout_s = timeout_s
        self._heard_at = 0.0
        self._unsent = 0  # bytes, at the last look
        self._outgoing: list[bytes] = []
        self._check: asyncio.TimerHandle | None = None
        self._reader = new_reader()
        self._waiting: deque[tuple[int, list[Any], asyncio.Future[list[Any]]]] = deque()

    @classmethod
    def of(cls, connection: Connection) -> "_Channel":
        """Take over the socket of a connection that has just been made."""
        writer = connection._writer  # noqa: SLF001 - there is no other way
        if writer is None:  # lost again already
            raise NoConnectionError("the connection was lost while it was made")
        line = cls(writer, connection.socket_timeout)
        line._transport.set_protocol(line)
        return line

    def send(
        self, data: bytes, count: int, *, is_patient: bool = False
    ) -> "asyncio.Future[list[Any]]":
        """Send *count* packed commands; the future gets what came back."""
        future: asyncio.Future[list[Any]] = self.loop.create_future()
        if not self._waiting:
            self._heard_at = self.loop.time()
        if not self.is_usable or self._transport.is_closing():
            self.is_usable = False
            lost = Trouble("the connection was closed", was_sent=False)
            future.set_result([lost] * count)
            return future
        self._waiting.append((count, [], future))
        if is_patient or self._outgoing:
            self._put_aside(data, is_patient=is_patient)
        else:
            self._transport.write(data)
        if self._check is None and self._timeout_s:
            self._check = self.loop.call_later(self._timeout_s / CHECKS_PER_TIMEOUT, self._look)
        return future

    def _put_aside(self, data: bytes, *, is_patient: bool) -> None:
        """Keep *data* for the next that is not patient, at the latest until the loop turns."""
        self._outgoing.append(data)
        if not is_patient:
            self._write()
        elif len(self._outgoing) == 1:
            self.loop.call_soon(self._write)

    def _write(self) -> None:
        if self._outgoing:
            self._transport.write(b"".join(self._outgoing))
            self._outgoing.clear()

    def retire(self) -> bool:
        """Take no more commands; close when nobody waits any more. Return whether some do."""
        self.is_usable = False
        if not self._waiting:
            self._transport.close()
        return bool(self._waiting)

    def close(self) -> None:
        """Close at once; who still waits is told."""
        self._abort(NoConnectionError("the connection was closed"))

    @override
    def data_received(self, data: bytes) -> None:
        self._heard_at = self.loop.time()
        reader, waiting = self._reader, self._waiting
        try:
            reader.feed(data)
            while (reply := reader.gets()) is not MISSING:
                count, replies, future = waiting[0]
                replies.append(reply)
                if type(reply) is Refusal:
                    self._on_refusal(reply)
                if len(replies) == count:
                    waiting.popleft()
                    if not future.done():
                        future.set_result(replies)
            if not waiting and reader.has_data():
                raise ConnectionError("half a reply that nobody asked for")  # noqa: TRY301
        except Exception as error:  # noqa: BLE001 - not what a server says: nothing fits any more
            self._abort(error)
        if not self.is_usable and not waiting:
            self._transport.close()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc or ConnectionError("connection closed by server"))
        self._former.connection_lost(exc)

    def _on_refusal(self, refusal: Refusal) -> None:
        # The master has become a replica: who comes next asks for the new one.
        if is_read_only(refusal):
            self.is_usable = False

    def _look(self) -> None:
        """Give a silent server up."""
        self._check = None
        timeout_s = self._timeout_s
        if not self._waiting or not timeout_s:
            return
        unsent = self._transport.get_write_buffer_size()
        if unsent < self._unsent:  # a large request is on its way
            self._heard_at = self.loop.time()
        self._unsent = unsent
        if self.loop.time() - self._heard_at >= timeout_s:
            self._abort(TimeoutError(f"no answer within {timeout_s:g} s"))
            return
        self._check = self.loop.call_later(timeout_s / CHECKS_PER_TIMEOUT, self._look)

    def _abort(self, error: Exception) -> None:
        self._end(error)
        self._transport.abort()

    def _end(self, error: Exception) -> None:
        """Tell everybody who waits that there will be no answer."""
        self.is_usable = False
        if self._check is not None:
            self._check.cancel()
            self._check = None
        lost = Trouble(error, was_sent=True)
        while self._waiting:
            count, replies, future = self._waiting.popleft()
            if not future.done():
                future.set_result(replies + [lost] * (count - len(replies)))
