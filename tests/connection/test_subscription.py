"""Listening for ever: messages, a dead server, a silent server, a server that refuses."""

import asyncio
import logging
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import redis

from pyasynq.connection.connector import Connector
from pyasynq.connection.subscription import listen
from tests.support.eventually import eventually_async
from tests.support.redis_server import RedisServer

LIMIT_S = 20.0


@asynccontextmanager
async def listening(
    url: str, *channels: str, ping_interval_s: float = 5.0
) -> AsyncIterator["asyncio.Queue[tuple[str, bytes]]"]:
    """Listen in the background; messages come into the queue."""
    heard: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()

    async def hear() -> None:
        messages = listen(Connector.of(url), *channels, ping_interval_s=ping_interval_s)
        try:
            async for message in messages:
                heard.put_nowait(message)
        finally:
            await messages.aclose()

    task = asyncio.create_task(hear())
    try:
        yield heard
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


def publish(client: redis.Redis, channel: str, payload: bytes) -> bool:
    """Publish, and return whether anybody heard it."""
    try:
        return int(client.publish(channel, payload)) > 0
    except redis.RedisError:
        return False


async def next_of(heard: "asyncio.Queue[tuple[str, bytes]]") -> tuple[str, bytes]:
    return await asyncio.wait_for(heard.get(), LIMIT_S)


async def hear(
    heard: "asyncio.Queue[tuple[str, bytes]]", client: redis.Redis, payload: bytes
) -> None:
    """Publish until it is heard: what is published between two connections is lost."""

    def is_heard() -> bool:
        publish(client, "one", payload)
        return not heard.empty() and heard.get_nowait() == ("one", payload)

    await eventually_async(is_heard)


async def test_messages_of_all_channels_come_as_bytes(
    redis_url: str, redis_client: redis.Redis
) -> None:
    async with listening(redis_url, "one", "two") as heard:
        await eventually_async(lambda: publish(redis_client, "one", b"\xff"))
        redis_client.publish("two", b"")

        assert await next_of(heard) == ("one", b"\xff")
        assert await next_of(heard) == ("two", b"")


async def test_listening_ends_with_its_connection(
    redis_url: str, redis_client: redis.Redis
) -> None:
    async with listening(redis_url, "one"):
        await eventually_async(lambda: redis_client.pubsub_numsub("one") == [(b"one", 1)])

    await eventually_async(lambda: redis_client.pubsub_numsub("one") == [(b"one", 0)])


@pytest.mark.slow
async def test_listening_goes_on_after_the_server_was_killed(
    own_redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(own_redis.url, "one") as heard:
        client = own_redis.client()
        await hear(heard, client, b"before")
        caplog.clear()
        caplog.set_level(logging.INFO, "pyasynq.subscription")
        own_redis.kill()
        await eventually_async(lambda: "cannot listen on one" in caplog.text)
        own_redis.start()
        await hear(heard, client, b"after")
        client.close()
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


@pytest.mark.slow
async def test_silent_server_is_noticed_by_ping(
    own_redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    async with listening(own_redis.tcp_url, "one", ping_interval_s=0.1) as heard:
        client = own_redis.client()
        await hear(heard, client, b"before")
        caplog.clear()
        os.kill(own_redis.pid, signal.SIGSTOP)
        try:
            await eventually_async(lambda: "cannot listen on one" in caplog.text)
        finally:
            os.kill(own_redis.pid, signal.SIGCONT)
        await hear(heard, client, b"after")
        client.close()


@pytest.mark.slow
async def test_quiet_channel_of_a_live_server_is_not_a_fault(
    redis_url: str, redis_client: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    def pings() -> int:
        stats = redis_client.info("commandstats").get("cmdstat_ping", {"calls": 0})
        return int(stats["calls"])

    async with listening(redis_url, "one", ping_interval_s=0.05):
        await eventually_async(lambda: redis_client.pubsub_numsub("one") == [(b"one", 1)])
        before = pings()
        await eventually_async(lambda: pings() >= before + 5)

    assert caplog.records == []


async def test_refused_subscription_is_logged_once(
    redis_server: RedisServer, redis_client: redis.Redis, caplog: pytest.LogCaptureFixture
) -> None:
    redis_client.execute_command(
        "ACL", "SETUSER", "deaf", "reset", "on", ">pw", "+@all", "~*", "resetchannels"
    )
    url = f"redis://deaf:pw@127.0.0.1:{redis_server.port}"
    try:
        async with listening(url, "one") as heard:
            await eventually_async(lambda: len(caplog.records) == 1)

            assert heard.empty()
    finally:
        redis_client.execute_command("ACL", "DELUSER", "deaf")
    assert "cannot listen on one" in caplog.text


async def test_least_rights_are_enough_to_listen(
    redis_server: RedisServer, redis_client: redis.Redis
) -> None:
    redis_client.execute_command(
        *("ACL", "SETUSER", "asynq", "reset", "on", ">pw", "resetchannels", "&asynq:cancel"),
        *("&asynq:x:due", "-@all", "+ping", "+client|setname", "+subscribe", "+unsubscribe"),
    )
    url = f"redis://asynq:pw@127.0.0.1:{redis_server.port}"
    try:
        async with listening(url, "asynq:cancel", "asynq:x:due") as heard:
            await eventually_async(lambda: publish(redis_client, "asynq:cancel", b"id"))

            assert await next_of(heard) == ("asynq:cancel", b"id")
    finally:
        redis_client.execute_command("ACL", "DELUSER", "asynq")
