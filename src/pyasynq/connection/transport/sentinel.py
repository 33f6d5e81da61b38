"""Pools of connections to the master that sentinels name, and those to the sentinels."""

from collections.abc import Sequence
from typing import Any

from redis import ConnectionPool, Redis
from redis.asyncio import ConnectionPool as AsyncConnectionPool
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.asyncio.sentinel import SentinelConnectionPool as AsyncPool
from redis.exceptions import ConnectionError as NoConnectionError
from redis.sentinel import Sentinel, SentinelConnectionPool
from typing_extensions import override

from pyasynq.connection.transport.connections import (
    AsyncMasterConnection,
    AsyncMasterTlsConnection,
    AsyncTcpConnection,
    AsyncTlsConnection,
    MasterConnection,
    MasterTlsConnection,
    TcpConnection,
    TlsConnection,
)
from pyasynq.connection.transport.wrong_settings import NO_SUCH_MASTER


class MasterPool(SentinelConnectionPool):
    """Connections to the master, for blocking code."""

    @override
    def disconnect(self, inuse_connections: bool = True) -> None:
        super().disconnect(inuse_connections)
        for sentinel in self.sentinel_manager.sentinels:
            sentinel.close()


class AsyncMasterPool(AsyncPool):
    """Connections to the master, for async code."""

    @override
    async def disconnect(self, inuse_connections: bool = True) -> None:
        await super().disconnect(inuse_connections)
        for sentinel in self.sentinel_manager.sentinels:
            await sentinel.aclose()


class Sentinels(Sentinel):
    """The sentinels, for blocking code."""

    @override
    def discover_master(self, service_name: str) -> tuple[str, int]:
        search = _Search(service_name)
        for position, sentinel in enumerate(self.sentinels):
            try:
                masters: Any = sentinel.sentinel_masters()
            except Exception as error:  # noqa: BLE001 - whatever it is, the next one is asked
                search.add_failure(sentinel, error)
                continue
            if self._may_be_used(search.found(masters)):
                self.sentinels.insert(0, self.sentinels.pop(position))
                return search.address
        raise search.error

    def _may_be_used(self, state: Any) -> bool:
        return bool(state) and bool(self.check_master_state(state, ""))  # type: ignore[no-untyped-call]  # redis-py


class AsyncSentinels(AsyncSentinel):
    """The sentinels, for async code."""

    @override
    async def discover_master(self, service_name: str) -> tuple[str, int]:
        search = _Search(service_name)
        for position, sentinel in enumerate(self.sentinels):
            try:
                masters: Any = await sentinel.sentinel_masters()
            except Exception as error:  # noqa: BLE001 - uvloop raises RuntimeError for a lost socket
                search.add_failure(sentinel, error)
                continue
            if self._may_be_used(search.found(masters)):
                self.sentinels.insert(0, self.sentinels.pop(position))
                return search.address
        raise search.error

    def _may_be_used(self, state: Any) -> bool:
        return bool(state) and bool(self.check_master_state(state, ""))


class _Search:
    """What the sentinels, asked one after the other, have said about one master."""

    def __init__(self, master: str) -> None:
        self.address = ("", 0)
        self._master = master
        self._names: set[str] = set()
        self._failures: list[str] = []

    def found(self, masters: dict[str, Any]) -> Any:
        """Note the answer of a sentinel; return what it knows of the master."""
        self._names |= set(masters)
        state = masters.get(self._master)
        if state:
            self.address = state["ip"], state["port"]
        return state

    def add_failure(self, sentinel: Any, error: Exception) -> None:
        """Note that a sentinel did not answer."""
        given = sentinel.connection_pool.connection_kwargs
        self._failures.append(f"{given['host']}:{given['port']}: {error}")

    @property
    def error(self) -> Exception:
        """Why there is no master."""
        if self._names and self._master not in self._names:
            names = ", ".join(map(repr, sorted(self._names)))
            return NoConnectionError(f"{NO_SUCH_MASTER}: {self._master!r}; they know {names}")
        reasons = "; ".join(self._failures) or "it is down, as they see it"
        return NoConnectionError(f"no master {self._master!r} ({reasons})")


def master_pool(
    hosts: Sequence[tuple[str, int]],
    master: str,
    *,
    own: dict[str, Any],
    settings: dict[str, Any],
    is_tls: bool,
) -> MasterPool:
    """Return a pool of connections to *master*.

    Args:
        hosts: of the sentinels.
        own: how the sentinels themselves are reached.
        settings: of a connection to the master.
        is_tls: whether all of them speak TLS.
    """
    kind = TlsConnection if is_tls else TcpConnection
    manager = Sentinels([])  # type: ignore[no-untyped-call]  # redis-py
    manager.sentinels = [
        Redis.from_pool(ConnectionPool(kind, host=host, port=port, **own)) for host, port in hosts
    ]
    of_master = MasterTlsConnection if is_tls else MasterConnection
    return MasterPool(master, manager, connection_class=of_master, **settings)  # type: ignore[no-untyped-call]  # redis-py


def async_master_pool(
    hosts: Sequence[tuple[str, int]],
    master: str,
    *,
    own: dict[str, Any],
    settings: dict[str, Any],
    is_tls: bool,
) -> AsyncMasterPool:
    """Return a pool of connections to *master*. See `master_pool`."""
    kind = AsyncTlsConnection if is_tls else AsyncTcpConnection
    manager = AsyncSentinels([])  # type: ignore[no-untyped-call]  # redis-py
    manager.sentinels = [
        AsyncRedis.from_pool(AsyncConnectionPool(kind, host=host, port=port, **own))
        for host, port in hosts
    ]
    of_master = AsyncMasterTlsConnection if is_tls else AsyncMasterConnection
    return AsyncMasterPool(master, manager, connection_class=of_master, **settings)  # type: ignore[no-untyped-call]  # redis-py
