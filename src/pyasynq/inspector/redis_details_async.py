"""Redis itself."""

from pyasynq.broker.operations import redis_info
from pyasynq.inspector.calls_async import AsyncCalls


class AsyncRedisDetails:
    """What one Redis reports about itself."""

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
