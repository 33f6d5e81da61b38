"""Redis itself."""

from pyasynq.broker.operations import redis_info
from pyasynq.inspector.calls_async import AsyncCalls


class AsyncRedisDetails:
    """What one Redis reports about itself; made by `AsyncInspector`."""

    def __init__(self, calls: AsyncCalls) -> None:
        self._calls = calls

    async def info(self) -> dict[str, str]:
        """Return the fields of INFO, as text."""
        return await self._calls.run(redis_info.redis_info())

    async def cluster_info(self) -> dict[str, str]:
        """Return the fields of CLUSTER INFO, as text.

        Raises:
            ConfigError: Redis is not a cluster.
        """
        return await self._calls.run_cluster(redis_info.cluster_info())

    async def info_text(self) -> str:
        """Return the answer to INFO as Redis writes it."""
        return await self._calls.run(redis_info.redis_info_text())

    async def cluster_info_text(self) -> str:
        """Return the answer to CLUSTER INFO as a node writes it.

        Raises:
            ConfigError: Redis is not a cluster.
        """
        return await self._calls.run_cluster(redis_info.cluster_info_text())

    async def cluster_nodes_text(self) -> str:
        """Return the answer to CLUSTER NODES as a node writes it: a line for each node.

        Raises:
            ConfigError: Redis is not a cluster.
        """
        return await self._calls.run_cluster(redis_info.cluster_nodes_text())
