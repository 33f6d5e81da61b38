"""One connection to one server, shared by all callers of an event loop.

redis-py connects, logs in and knows TLS and Sentinel; then the socket is ours, since its parser and
its time limits cost more for a small batch than all the rest. Commands of all callers are sent in
the order of their calls, and replies arrive in that order. blocking.py is the blocking counterpart.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Sequence
from typing import Any, Protocol

from redis.asyncio import Connection, ConnectionPool
from redis.exceptions import ConnectionError as NoConnectionError
from typing_extensions import override

from pyasynq.connection.transport.proxy import Proxy, merged
from pyasynq.connection.transport.replies import (
    MISSING,
    AnnouncementReader,
    Command,
    Reader,
    Refusal,
    Trouble,
    is_read_only,
    is_silence,
    new_reader,
    packed,
)
from pyasynq.errors import ConfigError
from pyasynq.lifecycle.busy_wait import LoopAwake

CHECKS_PER_TIMEOUT = 4


class Listener(Protocol):
    """Hears what a server sends without being asked."""

    def announced(self, announcement: Sequence[Any]) -> None:
        """The server has sent *announcement*: what it is about, and the rest of its parts."""

    def lost(self) -> None:
        """The connection is lost, so what the server would have sent is lost, too."""


class MultiplexedConnection:
    """Sends commands over one connection of *pool*, made when it is needed and after a loss.

    It belongs to the event loop that uses it; another may take it over once that one is closed.

    Args:
        pool: connects and logs in.
        limit_s: for how long a call that has to connect may take; None: only the time-outs count.
        listener: hears announcements, if the caller asks the server for some.
        busy_wait: whether the loop may wait awake for the answer to a lone call.
    """

    def __init__(
        self,
        pool: ConnectionPool,
        *,
        limit_s: float | None = None,
        listener: Listener | None = None,
        busy_wait: bool = False,
    ) -> None:
        self._pool = pool
        self._busy_wait = busy_wait
        self._limit_s = limit_s
        self._listener = listener
        self._connection: Connection | None = None
        self._channel: _Channel | None = None
        self._proxy: Proxy | None = pool.connection_kwargs.get("proxy")
        self._connecting = asyncio.Lock()

    def exchange(
        self, commands: Sequence[Command], *, limit_s: float | None = None
    ) -> Awaitable[list[Any]]:
        """Send *commands* and return the replies; `Refusal` and `Trouble` stand for errors.

        They are sent before it returns if there is a connection. Cancelling one caller does not
        affect the others; the server may have executed its commands.

        Args:
            limit_s: for how long to wait for the replies; None: as long as the server is not
                silent for longer than the time-out.

        Raises:
            ConfigError: another event loop uses this connection.
        """
        channel = self._channel
        if channel is not None and channel.loop is not asyncio.get_running_loop():
            self._take_over(channel)
            channel = None
        if channel is None or not channel.is_usable or not commands or limit_s is not None:
            return self._exchange_within(commands, limit_s or self._limit_s)
        if self._proxy is not None and self._proxy.is_there:
            return self._exchange_within(commands, self._limit_s)
        return channel.send(packed(commands), len(commands))

    async def close(self) -> None:
        """Close the connection; calls that wait get `Trouble`. Safe to repeat."""
        if self._channel is not None and self._channel.loop.is_closed():
            self._take_over(self._channel)
        async with self._connecting:
            if self._channel is not None:
                self._channel.close()
            await self._let_go(is_awaited=True)

    async def retire(self) -> None:
        """Take no more commands, and close when no call waits any more."""
        async with self._connecting:
            await self._let_go()

    async def _exchange_within(
        self, commands: Sequence[Command], limit_s: float | None
    ) -> list[Any]:
        if not commands:
            return []
        data, was_sent, proxy = packed(commands), False, self._proxy
        try:
            async with within(limit_s):
                channel = await self._connect()
                was_sent = True
                if proxy is not None and proxy.is_there:
                    return await _through(proxy, channel, commands)
                return await channel.send(data, len(commands))
        except Exception as error:  # noqa: BLE001 - uvloop raises RuntimeError for a lost socket
            is_late = isinstance(error, TimeoutError) and not str(error)
            why = f"no answer within {limit_s:g} s" if is_late and limit_s else error
            return [Trouble(why, was_sent=was_sent)] * len(commands)

    def _take_over(self, channel: "_Channel") -> None:
        """Forget what belongs to a loop that is closed, so that this one can connect."""
        if not channel.loop.is_closed():
            raise ConfigError(
                "this client is used by another event loop; make a client for each event loop"
            )
        self._channel = self._connection = None
        self._connecting = asyncio.Lock()
        self._pool.reset()

    async def _connect(self) -> "_Channel":
        async with self._connecting:
            if self._channel is not None and self._channel.is_usable:
                return self._channel  # somebody else was faster
            await self._let_go()
            self._connection = await self._pool.get_connection()
            self._channel = _Channel.of(self._connection, self._listener, busy_wait=self._busy_wait)
            return self._channel

    async def _let_go(self, *, is_awaited: bool = False) -> None:
        channel, self._channel = self._channel, None
        connection, self._connection = self._connection, None
        if channel is not None and connection is not None and channel.retire():
            # Some still wait for replies over it; the channel closes when they have them.
            connection._reader = connection._writer = None  # noqa: SLF001 - there is no other way
        if connection is not None:
            await connection.disconnect(nowait=not is_awaited)
            await self._pool.release(connection)


class Exchanging(Protocol):
    """A connection, or what stands before one."""

    def exchange(
        self, commands: Sequence[Command], *, limit_s: float | None = None
    ) -> Awaitable[list[Any]]:
        """Send *commands* and return the replies."""


async def exchange_all(
    calls: Sequence[tuple[Exchanging, Sequence[Command]]],
    *,
    limit_s: float | None = None,
) -> list[list[Any]]:
    """Send commands over several connections at the same time; return the replies of each."""
    if len(calls) == 1:
        connection, commands = calls[0]
        return [await connection.exchange(commands, limit_s=limit_s)]
    return await asyncio.gather(
        *(connection.exchange(commands, limit_s=limit_s) for connection, commands in calls)
    )


async def _through(proxy: Proxy, channel: "_Channel", commands: Sequence[Command]) -> list[Any]:
    """Send what a proxy passes on; return the replies to all commands."""
    sent, refused = proxy.sort(commands)
    replies = await channel.send(packed(sent), len(sent)) if sent else []
    return merged(replies, refused)


class Reconnection:
    """Asks a server that has fallen silent for a sign of life, while calls go on without it."""

    def __init__(self, connection: Exchanging) -> None:
        self._connection = connection
        self._task = asyncio.create_task(self._wait(), name="pyasynq reconnection")

    @property
    def is_over(self) -> bool:
        """Whether calls may be sent again: the server answers, or refuses the connection."""
        return self._task.done() or self._task.get_loop().is_closed()

    async def close(self) -> None:
        """Ask no more."""
        if not self.is_over:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _wait(self) -> None:
        while is_silence((await self._connection.exchange([("PING",)]))[0]):
            pass


class Turns:
    """Lets one caller in at a time; a new event loop takes it over once the old one is closed."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __aenter__(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._lock, self._loop = asyncio.Lock(), loop
        await self._lock.acquire()

    async def __aexit__(self, *_error: object) -> None:
        self._lock.release()


def within(limit_s: float | None) -> asyncio.Timeout:
    """Return a context manager that raises TimeoutError after *limit_s*; None for no limit."""
    return asyncio.timeout(limit_s)


class _Channel(asyncio.Protocol):
    """The socket, and the calls that wait for replies, in their order."""

    def __init__(
        self, writer: asyncio.StreamWriter, timeout_s: float | None, listener: Listener | None
    ) -> None:
        self.is_usable = True
        self.loop = asyncio.get_running_loop()
        self._writer = writer  # it closes the transport when nobody refers to it any more
        self._transport: Any = writer.transport
        self._former = self._transport.get_protocol()
        self._timeout_s = timeout_s
        self._progress_at = 0.0
        self._unsent_bytes = 0  # at the last check
        self._check: asyncio.TimerHandle | None = None
        self._reader: Reader = AnnouncementReader(listener.announced) if listener else new_reader()
        self._on_loss = listener.lost if listener else None
        self._awake: LoopAwake | None = None
        self._waiting: deque[tuple[int, list[Any], asyncio.Future[list[Any]]]] = deque()

    @classmethod
    def of(
        cls, connection: Connection, listener: Listener | None, *, busy_wait: bool
    ) -> "_Channel":
        """Take over the socket of a connection that has just been made."""
        writer = connection._writer  # noqa: SLF001 - there is no other way
        if writer is None:  # lost again already
            raise NoConnectionError("the connection was lost while it was made")
        channel = cls(writer, connection.socket_timeout, listener)
        channel._transport.set_protocol(channel)
        if busy_wait:
            channel._awake = LoopAwake(channel.loop, is_wanted=True)
        return channel

    def send(self, data: bytes, count: int) -> "asyncio.Future[list[Any]]":
        """Send *count* packed commands; the future gets what came back."""
        future: asyncio.Future[list[Any]] = self.loop.create_future()
        if not self._waiting:
            self._progress_at = self.loop.time()
        if not self.is_usable or self._transport.is_closing():
            self.is_usable = False
            lost = Trouble("the connection was closed", was_sent=False)
            future.set_result([lost] * count)
            return future
        self._waiting.append((count, [], future))
        if self._awake is not None and len(self._waiting) == 1:
            self._awake.begin()
        self._transport.write(data)
        if self._check is None and self._timeout_s:
            self._check = self.loop.call_later(
                self._timeout_s / CHECKS_PER_TIMEOUT, self._check_progress
            )
        return future

    def retire(self) -> bool:
        """Take no more commands, and close when no call waits; return whether some still do."""
        self.is_usable = False
        if not self._waiting:
            self._transport.close()
        return bool(self._waiting)

    def close(self) -> None:
        """Close at once; calls that wait get `Trouble`."""
        self._abort(NoConnectionError("the connection was closed"))

    @override
    def data_received(self, data: bytes) -> None:
        self._progress_at = self.loop.time()
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
                    if self._awake is not None:
                        self._awake.end()
                    if not future.done():
                        future.set_result(replies)
            if not waiting and reader.has_data():
                raise ConnectionError("the server sent more than was asked for")  # noqa: TRY301
        except Exception as error:  # noqa: BLE001 - not what a server sends: replies are lost
            self._abort(error)
        if not self.is_usable and not waiting:
            self._transport.close()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc or ConnectionError("connection closed by server"))
        self._former.connection_lost(exc)

    def _on_refusal(self, refusal: Refusal) -> None:
        # The master has become a replica: the next call asks for the new one.
        if is_read_only(refusal):
            self.is_usable = False

    def _check_progress(self) -> None:
        """Close the connection to a server that has been silent for too long."""
        self._check = None
        timeout_s = self._timeout_s
        if not self._waiting or not timeout_s:
            return
        unsent = self._transport.get_write_buffer_size()
        if unsent < self._unsent_bytes:  # a large request is on its way
            self._progress_at = self.loop.time()
        self._unsent_bytes = unsent
        left_s = self._progress_at + timeout_s - self.loop.time()
        if left_s <= 0:
            self._abort(TimeoutError(f"no answer within {timeout_s:g} s"))
            return
        wait_s = min(left_s, timeout_s / CHECKS_PER_TIMEOUT)
        self._check = self.loop.call_later(wait_s, self._check_progress)

    def _abort(self, error: Exception) -> None:
        self._end(error)
        self._transport.abort()

    def _end(self, error: Exception) -> None:
        """Answer all calls that wait with `Trouble`."""
        self.is_usable = False
        if self._check is not None:
            self._check.cancel()
            self._check = None
        lost = Trouble(error, was_sent=True)
        while self._waiting:
            count, replies, future = self._waiting.popleft()
            if not future.done():
                future.set_result(replies + [lost] * (count - len(replies)))
        if self._on_loss is not None:
            on_loss, self._on_loss = self._on_loss, None
            on_loss()
