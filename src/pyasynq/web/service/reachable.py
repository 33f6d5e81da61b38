"""Tells wrong settings of the connection from what is wrong with a request."""

from pyasynq.inspector import AsyncInspector


async def check_reachable(inspector: AsyncInspector) -> None:
    """Ask Redis for anything: what is a ConfigError after that is the fault of the request.

    Raises:
        ConfigError: Redis refuses the settings of the connection.
        RedisUnavailableError: it does not answer.
    """
    await inspector.queues.list()
