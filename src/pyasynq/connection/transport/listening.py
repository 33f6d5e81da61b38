"""What arrives over a subscription of redis-py, with a watch over a server that has gone silent."""

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redis.asyncio.client import PubSub


async def received(
    subscription: "PubSub", ping_interval_s: float
) -> AsyncGenerator[tuple[str, bytes], None]:
    """Yield (channel, payload) of messages, and ("", b"") for other signs of life.

    redis-py never notices that the server has become silent. So this sends a PING from time to
    time, and ends when nothing comes back.

    Raises:
        TimeoutError: the server is silent.
    """
    is_ping_sent = False
    while True:
        message = await subscription.get_message(timeout=ping_interval_s)
        if message is None:
            if is_ping_sent:
                raise TimeoutError("the server is silent")
            await subscription.ping()
            is_ping_sent = True
            continue
        is_ping_sent = False
        if message["type"] == "message":
            yield message["channel"].decode(), bytes(message["data"])
        else:
            yield "", b""
