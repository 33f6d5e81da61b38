"""Pools of connections to the master that sentinels name, and those to the sentinels."""

from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis as AsyncRedis
from redis.asyncio.sentinel import Sentinel as AsyncSentinel
from redis.asyncio.sentinel import SentinelConnectionPool as AsyncPool
from redis.exceptions import ConnectionError as NoConnectionError
from redis.exceptions import RedisError
from redis.sentinel import Sentinel, SentinelConnectionPool
from typing_extensions import override


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


class AskedSentinel(AsyncRedis):
    """One sentinel; whatever goes wrong with it lets redis-py ask the next one."""

    @override
    async def execute_command(self, *args: Any, **options: Any) -> Any:
        try:
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]  # redis-py
        except RedisError:
            raise
        except Exception as error:  # uvloop raises RuntimeError for a lost socket
            raise NoConnectionError(str(error)) from error


def master_pool(
    hosts: Sequence[tuple[str, int]], master: str, *, own: dict[str, Any], settings: dict[str, Any]
) -> MasterPool:
    """Return a pool of connections to *master*.

    Args:
        hosts: of the sentinels.
        own: how the sentinels themselves are reached.
        settings: of a connection to the master.
    """
    sentinel = Sentinel(list(hosts), sentinel_kwargs=own)
    return MasterPool(master, sentinel, **settings)  # type: ignore[no-untyped-call]  # redis-py


def async_master_pool(
    hosts: Sequence[tuple[str, int]], master: str, *, own: dict[str, Any], settings: dict[str, Any]
) -> AsyncMasterPool:
    """Return a pool of connections to *master*. See `master_pool`."""
    manager = AsyncSentinel([])
    manager.sentinels = [AskedSentinel(host=host, port=port, **own) for host, port in hosts]
    return AsyncMasterPool(master, manager, **settings)  # type: ignore[no-untyped-call]  # redis-py
