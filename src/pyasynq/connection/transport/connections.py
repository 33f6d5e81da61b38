"""The connections that redis-py makes for us: they tell a wrong setting from a Redis that is down.

What they raise says so in words of wrong_settings.py, which the broker reads.
"""

import asyncio
import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import redis
import redis.asyncio
from redis.exceptions import ConnectionError as NoConnectionError
from typing_extensions import override

from pyasynq.connection.transport.login import Login
from pyasynq.connection.transport.login_async import AsyncLogin
from pyasynq.connection.transport.wrong_settings import (
    NEEDS_TLS,
    NO_TLS,
    is_plain,
    socket_fault,
    speaks_tls,
    tls_alert,
)

# For so long the first handshake of TLS may be silent before we look whether there is any TLS.
FIRST_SILENCE_S = 1.0


LookUp = Callable[[], tuple[str, int]]

SHORTEST_S = 0.001  # 0 would stand for "do not wait at all"


class _Limit(threading.local):
    """When the connection that this thread makes must be there."""

    end: float | None = None


_limit = _Limit()


@contextlib.contextmanager
def connecting_within(limit_s: float | None) -> Iterator[None]:
    """Let blocking connections that are made inside be there in *limit_s*; None for no limit.

    Only the name of the host is looked up without a limit, for that cannot be interrupted.
    """
    _limit.end = None if limit_s is None else time.monotonic() + limit_s
    try:
        yield
    finally:
        _limit.end = None


def _limited(timeout_s: float | None) -> float | None:
    """Return the time-out for what is to be waited for now."""
    if _limit.end is None:
        return timeout_s
    left_s = max(SHORTEST_S, _limit.end - time.monotonic())
    return left_s if timeout_s is None else min(left_s, timeout_s)


class _InTime(Login):
    """A connection whose time-outs never exceed what `connecting_within` allows."""

    @property  # type: ignore[explicit-override]  # mypy does not see it on a property with a setter
    @override
    def socket_timeout(self) -> float | None:
        return _limited(self._socket_timeout)

    @socket_timeout.setter
    def socket_timeout(self, value: float | None) -> None:
        self._socket_timeout = value

    @property  # type: ignore[explicit-override]  # mypy does not see it on a property with a setter
    @override
    def socket_connect_timeout(self) -> float | None:
        return _limited(self._socket_connect_timeout)

    @socket_connect_timeout.setter
    def socket_connect_timeout(self, value: float | None) -> None:
        self._socket_connect_timeout = value


class TcpConnection(_InTime, redis.Connection):
    """A plain connection, for blocking code."""

    @override
    def connect_check_health(
        self, check_health: bool = True, retry_socket_connect: bool = True
    ) -> None:
        try:
            super().connect_check_health(check_health, retry_socket_connect)
        except NoConnectionError as error:
            if self._has_logged_in or not self._was_cut(error):
                raise
            if speaks_tls((self.host, self.port), _limited(None)):
                raise NoConnectionError(NEEDS_TLS) from error
            raise


class AsyncTcpConnection(AsyncLogin, redis.asyncio.Connection):
    """A plain connection, for async code."""

    @override
    async def connect_check_health(
        self, check_health: bool = True, retry_socket_connect: bool = True
    ) -> None:
        try:
            await super().connect_check_health(check_health, retry_socket_connect)
        except NoConnectionError as error:
            if self._has_logged_in or not self._was_cut(error):
                raise
            if await asyncio.to_thread(speaks_tls, (self.host, self.port), None):
                raise NoConnectionError(NEEDS_TLS) from error
            raise


class LookedUpConnection(TcpConnection):
    """A connection to where Redis is when it is made, for blocking code.

    Args:
        look_up: returns host and port; may block.
    """

    def __init__(self, *, look_up: LookUp, **settings: Any) -> None:
        super().__init__(**settings)
        self._look_up = look_up

    @override
    def _connect(self) -> Any:
        self.host, self.port = self._look_up()
        return super()._connect()  # type: ignore[no-untyped-call]  # redis-py


class AsyncLookedUpConnection(AsyncTcpConnection):
    """A connection to where Redis is when it is made, for async code.

    Args:
        look_up: returns host and port; may block.
    """

    def __init__(self, *, look_up: LookUp, **settings: Any) -> None:
        super().__init__(**settings)
        self._look_up = look_up

    @override
    async def _connect(self) -> None:
        self.host, self.port = await asyncio.to_thread(self._look_up)
        await super()._connect()  # type: ignore[no-untyped-call]  # redis-py


class TlsConnection(_InTime, redis.SSLConnection):
    """A connection over TLS, for blocking code."""

    _is_tls_likely = False  # somebody answers there slowly, but not without TLS

    @override
    def connect_check_health(
        self, check_health: bool = True, retry_socket_connect: bool = True
    ) -> None:
        try:
            super().connect_check_health(check_health, retry_socket_connect)
        except NoConnectionError as error:
            if self._was_cut(error) and (alert := self._alert()):
                raise NoConnectionError(alert) from error
            raise

    def _alert(self) -> str | None:
        wrap = super()._wrap_socket_with_ssl
        return tls_alert((self.host, self.port), wrap, _limited(None))

    @override
    def _connect(self) -> Any:
        was_likely = self._is_tls_likely
        try:
            return super()._connect()  # type: ignore[no-untyped-call]  # redis-py
        except TimeoutError:
            if was_likely or not self._is_tls_likely or _limited(None) == SHORTEST_S:
                raise  # it was not the first handshake, or no time is left for another one
        return super()._connect()  # type: ignore[no-untyped-call]  # redis-py

    @override
    def _wrap_socket_with_ssl(self, sock: Any) -> Any:
        limit_s = sock.gettimeout()
        if self._is_tls_likely:
            return super()._wrap_socket_with_ssl(sock)  # type: ignore[no-untyped-call]  # redis-py
        sock.settimeout(_first_silence_s(limit_s))
        try:
            wrapped = super()._wrap_socket_with_ssl(sock)  # type: ignore[no-untyped-call]  # redis-py
        except TimeoutError:
            sock.close()
            if is_plain((self.host, self.port), _limited(_first_silence_s(limit_s))):
                raise NoConnectionError(NO_TLS) from None
            self._is_tls_likely = True
            raise
        wrapped.settimeout(limit_s)
        return wrapped


class AsyncTlsConnection(AsyncLogin, redis.asyncio.SSLConnection):
    """A connection over TLS, for async code."""

    _is_tls_likely = False

    @override
    async def connect_check_health(
        self, check_health: bool = True, retry_socket_connect: bool = True
    ) -> None:
        try:
            await super().connect_check_health(check_health, retry_socket_connect)
        except NoConnectionError as error:
            if self._was_cut(error) and (alert := await asyncio.to_thread(self._alert)):
                raise NoConnectionError(alert) from error
            raise

    @override
    def _connection_arguments(self) -> Any:
        self.ssl_context.context = None  # the files may have been replaced since the last time
        return super()._connection_arguments()

    def _alert(self) -> str | None:
        def wrap(plain: socket.socket) -> ssl.SSLSocket:
            return self.ssl_context.get().wrap_socket(plain, server_hostname=self.host)

        return tls_alert((self.host, self.port), wrap, None)

    @override
    async def _connect(self) -> None:
        if not self._is_tls_likely:
            first_s = _first_silence_s(self.socket_connect_timeout)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(first_s):
                    await super()._connect()  # type: ignore[no-untyped-call]  # redis-py
                return
            if await asyncio.to_thread(is_plain, (self.host, self.port), first_s):
                raise NoConnectionError(NO_TLS)
            self._is_tls_likely = True
        await super()._connect()  # type: ignore[no-untyped-call]  # redis-py


def _first_silence_s(limit_s: float | None) -> float:
    """Return for how long the first handshake may be silent, so that time is left to look why."""
    return FIRST_SILENCE_S if limit_s is None else min(FIRST_SILENCE_S, limit_s / 2)


class UnixConnection(_InTime, redis.UnixDomainSocketConnection):
    """A connection over a socket of this machine, for blocking code."""

    @override
    def _connect(self) -> Any:
        try:
            return super()._connect()  # type: ignore[no-untyped-call]  # redis-py
        except OSError as error:
            if fault := socket_fault(self.path, error):
                raise NoConnectionError(fault) from error
            raise


class AsyncUnixConnection(AsyncLogin, redis.asyncio.UnixDomainSocketConnection):
    """A connection over a socket of this machine, for async code."""

    @override
    async def _connect(self) -> None:
        try:
            await super()._connect()  # type: ignore[no-untyped-call]  # redis-py
        except OSError as error:
            if fault := socket_fault(self.path, error):
                raise NoConnectionError(fault) from error
            raise
