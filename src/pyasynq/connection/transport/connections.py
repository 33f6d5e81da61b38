"""The connections that redis-py makes for us: they tell a wrong setting from a Redis that is down.

What they raise says so in words of wrong_settings.py, which the broker reads.
"""

import asyncio
from typing import Any

import redis
import redis.asyncio
import redis.asyncio.sentinel
import redis.sentinel
from redis.exceptions import ConnectionError as NoConnectionError
from typing_extensions import override

from pyasynq.connection.transport.wrong_settings import NO_TLS, is_plain, socket_fault

# For so long the first handshake of TLS may be silent before we look whether there is any TLS.
FIRST_SILENCE_S = 1.0


class TlsConnection(redis.SSLConnection):
    """A connection over TLS, for blocking code."""

    _is_tls_likely = False  # somebody answers there slowly, but not without TLS

    @override
    def _wrap_socket_with_ssl(self, sock: Any) -> Any:
        limit_s = sock.gettimeout()
        if self._is_tls_likely or (limit_s is not None and limit_s <= 0):
            return super()._wrap_socket_with_ssl(sock)  # type: ignore[no-untyped-call]  # redis-py
        sock.settimeout(FIRST_SILENCE_S if limit_s is None else min(limit_s, FIRST_SILENCE_S))
        try:
            wrapped = super()._wrap_socket_with_ssl(sock)  # type: ignore[no-untyped-call]  # redis-py
        except TimeoutError:
            if is_plain((self.host, self.port)):
                raise NoConnectionError(NO_TLS) from None
            self._is_tls_likely = True
            raise
        wrapped.settimeout(limit_s)
        return wrapped


class AsyncTlsConnection(redis.asyncio.SSLConnection):
    """A connection over TLS, for async code."""

    _is_tls_likely = False

    @override
    async def _connect(self) -> None:
        if self._is_tls_likely:
            await super()._connect()  # type: ignore[no-untyped-call]  # redis-py
            return
        try:
            async with asyncio.timeout(FIRST_SILENCE_S):
                await super()._connect()  # type: ignore[no-untyped-call]  # redis-py
        except TimeoutError:
            if await asyncio.to_thread(is_plain, (self.host, self.port)):
                raise NoConnectionError(NO_TLS) from None
            self._is_tls_likely = True
            raise


class UnixConnection(redis.UnixDomainSocketConnection):
    """A connection over a socket of this machine, for blocking code."""

    @override
    def _connect(self) -> Any:
        try:
            return super()._connect()  # type: ignore[no-untyped-call]  # redis-py
        except OSError as error:
            if fault := socket_fault(self.path, error):
                raise NoConnectionError(fault) from error
            raise


class AsyncUnixConnection(redis.asyncio.UnixDomainSocketConnection):
    """A connection over a socket of this machine, for async code."""

    @override
    async def _connect(self) -> None:
        try:
            await super()._connect()  # type: ignore[no-untyped-call]  # redis-py
        except OSError as error:
            if fault := socket_fault(self.path, error):
                raise NoConnectionError(fault) from error
            raise


class MasterTlsConnection(redis.sentinel.SentinelManagedConnection, TlsConnection):
    """A connection over TLS to the master that sentinels name, for blocking code."""


class AsyncMasterTlsConnection(
    redis.asyncio.sentinel.SentinelManagedConnection, AsyncTlsConnection
):
    """A connection over TLS to the master that sentinels name, for async code."""
