"""Redis itself."""

from pyasynq.broker.operations import redis_info
from pyasynq.broker.runners.runner_async import AsyncRunner


class AsyncRedisDetails:
    """What one Redis reports about itself."""

    def __init__(self, runner: AsyncRunner) -> None:
        self._runner = runner

    async def info(self) -> dict[str, str]:
        """Return the fields of INFO, as text."""
        return await self._runner.run(redis_info.redis_info())
