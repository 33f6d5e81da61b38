"""Listens on a channel for ever: connects again when the connection or the server is gone."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

from pyasynq.connection.connector import Connector
from pyasynq.connection.transport.listening import received
from pyasynq.lifecycle.backoff import Backoff

if TYPE_CHECKING:
    from redis.asyncio.client import Redis

    from pyasynq.connection.transport.cluster_async import AsyncCluster

logger = logging.getLogger("pyasynq.subscription")

PING_INTERVAL_S = 5.0
FIRST_WAIT_S = 0.1
LONGEST_WAIT_S = 1.0
REFUSED_WAIT_S = 60.0  # a server or proxy without pub/sub


class NotPassedOnError(Exception):
    """A proxy that does not let us listen, so it was not asked."""

    def __init__(self) -> None:
        super().__init__("the proxy in front of redis does not pass SUBSCRIBE on")


async def listen(
    connector: Connector,
    *channels: str,
    ping_interval_s: float = PING_INTERVAL_S,
    on_down: Callable[[Exception], bool] = lambda _error: False,
    on_up: Callable[[], object] = lambda: None,
    on_refused: Callable[[Exception], bool] = lambda _error: False,
) -> AsyncGenerator[tuple[str, bytes], None]:
    """Yield (channel, payload) of every message, from now until the iteration is closed.

    What is published while the connection is down is lost. One WARNING is logged when it goes
    down and one INFO when it is back.

    Args:
        ping_interval_s: how long the server may be silent before it is asked for a sign of life.
        on_down: called with the error of each failed attempt; returns whether it has told of it,
            so that nothing is logged here.
        on_up: called when the connection works, at first and again.
        on_refused: the same, when Redis does not let us listen; it is asked again after a minute.
    """
    client = connector.open_async(socket_timeout_s=2 * ping_interval_s)
    names, backoff, is_up = ", ".join(channels), Backoff(FIRST_WAIT_S, LONGEST_WAIT_S), False
    is_logged = False

    def receive() -> AsyncGenerator[tuple[str, bytes], None]:
        if connector.is_proxied:
            raise NotPassedOnError
        return _messages(client, channels, ping_interval_s)

    try:
        while True:
            wait_s = 0.0
            try:
                async with aclosing(receive()) as messages:
                    async for channel, payload in messages:
                        if is_logged:
                            logger.info("listening again on %s", names)
                        if not is_up:
                            on_up()
                        is_up, is_logged = True, False
                        backoff.reset()
                        if channel:
                            yield channel, payload
            except Exception as error:  # noqa: BLE001 - uvloop raises RuntimeError for a lost socket
                is_refused, is_up = _is_refused(error), False
                is_told = (on_refused if is_refused else on_down)(error)
                if not (is_told or is_logged):
                    logger.warning("cannot listen on %s: %s", names, error)
                    is_logged = True
                wait_s = REFUSED_WAIT_S if is_refused else backoff.next_s()
            await asyncio.sleep(wait_s)
    finally:
        await client.aclose()


def _is_refused(error: Exception) -> bool:
    """Whether the server refuses to let us listen, which no soon repetition will change."""
    from redis.exceptions import ResponseError  # noqa: PLC0415 - light imports

    if isinstance(error, NotPassedOnError):
        return True
    return isinstance(error, ResponseError) and not str(error).startswith("BUSY")


async def _messages(
    client: "Redis | AsyncCluster", channels: Sequence[str], ping_interval_s: float
) -> AsyncGenerator[tuple[str, bytes], None]:
    """Subscribe; yield messages, and ("", b"") for other signs of life; end on a silent peer."""
    from pyasynq.connection.transport.cluster_async import AsyncCluster  # noqa: PLC0415 - light imports

    cluster = client if isinstance(client, AsyncCluster) else None
    if cluster is not None:
        await cluster.refresh()
    subscription = client.pubsub()
    try:
        await subscription.subscribe(*channels)
        async for message in received(subscription, ping_interval_s):
            yield message
            if cluster is not None and not cluster.is_heard:
                raise ConnectionError("the node has left the cluster")
    finally:
        await subscription.aclose()
