"""Listens on a channel for ever.

A subscription never notices by itself that its peer has gone silent, so it pings on its own and
connects again when nothing comes back.
"""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

from pyasynq.connection.connector import Connector

if TYPE_CHECKING:
    from redis.asyncio.client import PubSub

logger = logging.getLogger("pyasynq.subscription")

PING_INTERVAL_S = 5.0
FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 1.0
REFUSED_WAIT_S = 60.0  # a server or proxy without pub/sub


async def listen(
    connector: Connector, *channels: str, ping_interval_s: float = PING_INTERVAL_S
) -> AsyncGenerator[tuple[str, bytes], None]:
    """Yield (channel, payload) of every message, from now until the iteration is closed.

    What is published while the connection is down is lost. One WARNING is logged when it goes
    down and one INFO when it is back.
    """
    from redis.exceptions import RedisError, ResponseError  # noqa: PLC0415 - light imports

    client = connector.open_async(socket_timeout_s=2 * ping_interval_s)
    wait_s, is_up = FIRST_WAIT_S, True
    try:
        while True:
            subscription = client.pubsub()
            try:
                await subscription.subscribe(*channels)
                async with aclosing(_messages(subscription, ping_interval_s)) as messages:
                    async for channel, payload in messages:
                        if not is_up:
                            logger.info("listening again on %s", ", ".join(channels))
                        is_up, wait_s = True, FIRST_WAIT_S
                        if channel:
                            yield channel, payload
            except (RedisError, OSError, TimeoutError) as error:
                if is_up:
                    logger.warning("cannot listen on %s: %s", ", ".join(channels), error)
                is_up = False
                is_refused = isinstance(error, ResponseError) and not str(error).startswith("BUSY")
            else:
                is_refused = False
            finally:
                await subscription.aclose()
            await asyncio.sleep(
                REFUSED_WAIT_S if is_refused else wait_s * random.uniform(0.5, 1.5)  # noqa: S311
            )
            wait_s = min(LONGEST_WAIT_S, 2 * wait_s)
    finally:
        await client.aclose()


async def _messages(
    subscription: "PubSub", ping_interval_s: float
) -> AsyncGenerator[tuple[str, bytes], None]:
    """Yield messages, and ("", b"") for other signs of life; end on a silent peer."""
    is_asked = False
    while True:
        message = await subscription.get_message(timeout=ping_interval_s)
        if message is None:
            if is_asked:
                raise TimeoutError("the server is silent")
            await subscription.ping()
            is_asked = True
            continue
        is_asked = False
        if message["type"] == "message":
            yield message["channel"].decode(), bytes(message["data"])
        else:
            yield "", b""
