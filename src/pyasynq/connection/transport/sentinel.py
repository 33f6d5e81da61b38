"""Connections to the master that sentinels name, and pools of them."""

import asyncio
import contextlib
import os
import socket
import threading
import time
from collections.abc import Sequence
from typing import Any

from redis import ConnectionPool
from redis.asyncio import ConnectionPool as AsyncConnectionPool
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import ConnectionError as NoConnectionError
from typing_extensions import override

from pyasynq.connection.transport.connections import (
    AsyncTcpConnection,
    AsyncTlsConnection,
    TcpConnection,
    TlsConnection,
)
from pyasynq.connection.transport.login import Login
from pyasynq.connection.transport.login_async import AsyncLogin
from pyasynq.connection.transport.replies import Command
from pyasynq.connection.transport.sentinel_answers import Address, role_fault, shown
from pyasynq.connection.transport.sentinel_search import MasterSearch
from pyasynq.connection.transport.sentinel_watch import END_S, SentinelWatch, shared_watch

ROLE: Sequence[Command] = (("ROLE",),)
NOWHERE: Address = ("", 0)
ROLE_AGAIN_S = 0.02  # a replica that is about to be promoted is asked for its role again


class _ToMaster(Login):
    """A connection to where the master is when it is made, for blocking code.

    Args:
        watch: knows where that is.

    Attributes:
        address: of the server that it leads to.
    """

    def __init__(self, *, watch: SentinelWatch, **settings: Any) -> None:
        super().__init__(**settings)
        self.address: Address = NOWHERE
        self._watch = watch
        self._ending = threading.RLock()  # another thread must not meet a socket that was reused

    @override
    def connect_check_health(
        self, check_health: bool = True, retry_socket_connect: bool = True
    ) -> None:
        if self._sock:
            return
        self.address = NOWHERE
        try:
            super().connect_check_health(check_health, retry_socket_connect)
        except BaseException:
            if self.address != NOWHERE:
                self._watch.missed(self.address)
            raise

    @override
    def _connect(self) -> Any:
        here: Any = self
        transport: Any = super()
        here.host, here.port = self.address = self._watch.locate(self.socket_connect_timeout)
        return transport._connect()  # noqa: SLF001 - of a class beside this one

    @override
    def on_connect_check_health(self, check_health: bool = True) -> None:
        super().on_connect_check_health(check_health)
        end = time.monotonic() + (self.socket_connect_timeout or 0)
        while fault := role_fault(self._answers(ROLE), self.address):
            if time.monotonic() >= end or not self._watch.promotes(self.address):
                raise NoConnectionError(fault)
            time.sleep(ROLE_AGAIN_S)
        self._watch.reached(self)

    @override
    def disconnect(self, *args: Any, **settings: Any) -> None:
        is_ours = self.pid == os.getpid()  # else nobody may ever release the lock
        with self._ending if is_ours else contextlib.nullcontext():
            super().disconnect(*args, **settings)  # type: ignore[no-untyped-call]  # redis-py

    def leave(self) -> None:
        """End the connection: whoever waits for an answer over it learns that at once."""
        with self._ending, contextlib.suppress(OSError):
            if self._sock is not None:
                # That of TLS would let go of its state under the feet of whoever uses it.
                socket.socket.shutdown(self._sock, socket.SHUT_RDWR)


class _AsyncToMaster(AsyncLogin):
    """A connection to where the master is when it is made, for async code; see `_ToMaster`."""

    def __init__(self, *, watch: SentinelWatch, **settings: Any) -> None:
        super().__init__(**settings)
        self.address: Address = NOWHERE
        self._watch = watch
        self._transport: Any = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @override
    async def connect_check_health(
        self, check_health: bool = True, retry_socket_connect: bool = True
    ) -> None:
        if self.is_connected:
            return
        self.address = NOWHERE
        try:
            await super().connect_check_health(check_health, retry_socket_connect)
        except BaseException:
            if self.address != NOWHERE:
                self._watch.missed(self.address)
            raise

    @override
    async def _connect(self) -> None:
        here: Any = self
        transport: Any = super()
        here.host, here.port = self.address = await self._watch.locate_async()
        await transport._connect()  # noqa: SLF001 - of a class beside this one
        self._loop, self._transport = asyncio.get_running_loop(), here._writer.transport  # noqa: SLF001 - as in multiplexed.py

    @override
    async def on_connect_check_health(self, check_health: bool = True) -> None:
        await super().on_connect_check_health(check_health)
        end = time.monotonic() + (self.socket_connect_timeout or 0)
        while fault := role_fault(await self._answers(ROLE), self.address):
            if time.monotonic() >= end or not self._watch.promotes(self.address):
                raise NoConnectionError(fault)
            await asyncio.sleep(ROLE_AGAIN_S)
        self._watch.reached(self)

    def leave(self) -> None:
        """End the connection: whoever waits for an answer over it learns that at once."""
        with contextlib.suppress(RuntimeError):  # the loop is closed
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._transport.abort)


class MasterConnection(_ToMaster, TcpConnection):
    """A plain connection to the master, for blocking code."""


class MasterTlsConnection(_ToMaster, TlsConnection):
    """A connection over TLS to the master, for blocking code."""


class AsyncMasterConnection(_AsyncToMaster, AsyncTcpConnection):
    """A plain connection to the master, for async code."""


class AsyncMasterTlsConnection(_AsyncToMaster, AsyncTlsConnection):
    """A connection over TLS to the master, for async code."""


class MasterPool(ConnectionPool):
    """Connections to the master, for blocking code."""

    def __init__(self, watch: SentinelWatch, **settings: Any) -> None:
        self._watch = watch
        super().__init__(watch=watch, **settings)

    @override
    def get_connection(self, *args: Any, **options: Any) -> Any:
        self._watch.hold(self)
        return super().get_connection(*args, **options)

    @override
    def disconnect(self, inuse_connections: bool = True) -> None:
        super().disconnect(inuse_connections)
        if listening := self._watch.release(self):
            listening.join()


class AsyncMasterPool(AsyncConnectionPool):
    """Connections to the master, for async code."""

    def __init__(self, watch: SentinelWatch, **settings: Any) -> None:
        self._watch = watch
        super().__init__(watch=watch, **settings)

    @override
    async def get_connection(self, *args: Any, **options: Any) -> Any:
        self._watch.hold(self)
        return await super().get_connection(*args, **options)  # type: ignore[no-untyped-call]  # redis-py

    @override
    async def disconnect(self, inuse_connections: bool = True) -> None:
        await super().disconnect(inuse_connections)
        if listening := self._watch.release(self):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(END_S):
                    await asyncio.wrap_future(listening.is_over)


def master_pool(
    hosts: Sequence[Address],
    master: str,
    *,
    own: dict[str, Any],
    settings: dict[str, Any],
    is_tls: bool,
) -> MasterPool:
    """Return a pool of connections to *master*.

    Args:
        hosts: of the sentinels.
        own: how the sentinels themselves are reached, by async code.
        settings: of a connection to the master.
        is_tls: whether all of them speak TLS.
    """
    kind = MasterTlsConnection if is_tls else MasterConnection
    watch = _watch(hosts, master, own=own, is_tls=is_tls)
    return MasterPool(watch, connection_class=kind, **settings)


def async_master_pool(
    hosts: Sequence[Address],
    master: str,
    *,
    own: dict[str, Any],
    settings: dict[str, Any],
    is_tls: bool,
) -> AsyncMasterPool:
    """Return a pool of connections to *master*. See `master_pool`."""
    kind = AsyncMasterTlsConnection if is_tls else AsyncMasterConnection
    watch = _watch(hosts, master, own=own, is_tls=is_tls)
    return AsyncMasterPool(watch, connection_class=kind, **settings)


def _watch(
    hosts: Sequence[Address], master: str, *, own: dict[str, Any], is_tls: bool
) -> SentinelWatch:
    """Return the one watch of this process over these sentinels."""
    kind = AsyncTlsConnection if is_tls else AsyncTcpConnection

    def sentinel_at(host: str, port: int) -> AsyncRedis:
        pool = AsyncConnectionPool(connection_class=kind, host=host, port=port, **own)
        return AsyncRedis.from_pool(pool)

    def make() -> SentinelWatch:
        return SentinelWatch(
            master,
            lambda on_move: MasterSearch(
                {shown(address): sentinel_at(*address) for address in hosts},
                master,
                on_move=on_move,
            ),
        )

    settings = frozenset((name, value) for name, value in own.items() if name != "retry")
    return shared_watch((tuple(hosts), master, is_tls, settings), make)
