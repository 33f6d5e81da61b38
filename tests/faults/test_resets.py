"""What accepts connections and resets them, as a load balancer without a server behind it does.

uvloop closes the transport of such a connection while redis-py is about to log in over it, and then
raises a RuntimeError: that is an outage like others.
"""

import asyncio
import contextlib

import pytest

from pyasynq.client_async import AsyncClient
from pyasynq.connection.connector import Connector
from pyasynq.connection.subscription import listen
from pyasynq.errors import RedisUnavailableError
from pyasynq.task import Task
from tests.faults.shift import repeated_lines, shift
from tests.support.chaos_proxy import ChaosProxy
from tests.support.eventually import eventually_async
from tests.support.loops import on_each_loop, run_on
from tests.support.redis_sentinel import RedisSentinel

TASKS = 400  # before the fault, and many more meanwhile
RESETS_S = 2.0
TRIES = 300  # enough for some to be closed between connecting and the first command


@pytest.fixture
def proxy(redis_server, redis_url):
    with ChaosProxy(redis_server.port) as proxy:
        yield proxy


@on_each_loop
def test_a_worker_outlives_two_seconds_of_resets_under_load(
    loop_name, proxy, redis_server, redis_client, caplog
):
    async def reset_under_load() -> tuple[int, int]:
        async with shift(proxy.url, client_url=redis_server.tcp_url) as work:
            await work.enqueue(TASKS)
            proxy.hangs_up = True
            await asyncio.to_thread(proxy.cut)
            more = asyncio.create_task(work.enqueue(TASKS))
            await asyncio.sleep(RESETS_S)  # how long the fault lasts
            proxy.hangs_up = False
            await more
            await work.until(2 * TASKS)
            await eventually_async(lambda: not redis_client.keys("asynq:{default}:t:*"))
            return work.lost, work.duplicates

    assert run_on(loop_name, reset_under_load()) == (0, 0)
    assert repeated_lines(caplog) == {}
    assert "ended by itself" not in caplog.text


@on_each_loop
def test_each_call_over_a_connection_that_is_reset_says_that_redis_is_not_available(
    loop_name, proxy
):
    async def call() -> set[str]:
        async with AsyncClient(proxy.url, enqueue_patience=0) as client:
            return {type(await _error_of(client)).__name__ for _ in range(TRIES)}

    proxy.hangs_up = True

    assert run_on(loop_name, call()) == {RedisUnavailableError.__name__}


@on_each_loop
def test_listening_goes_on_after_resets(loop_name, proxy, redis_client, caplog):
    async def hear() -> None:
        heard = asyncio.Event()

        async def listen_until_heard() -> None:
            async with contextlib.aclosing(listen(Connector.of(proxy.url), "news")) as messages:
                async for _message in messages:
                    heard.set()

        proxy.hangs_up = True
        listening = asyncio.create_task(listen_until_heard())
        await eventually_async(lambda: proxy.connections > 3)
        proxy.hangs_up = False
        await eventually_async(lambda: redis_client.publish("news", b"x") and heard.is_set())
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening

    run_on(loop_name, hear())

    assert caplog.text.count("cannot listen on news") == 1


@on_each_loop
def test_a_node_that_resets_lets_the_next_one_tell_the_slots(loop_name, proxy, cluster):
    async def enqueue(url: str) -> None:
        for _ in range(TRIES // 10):
            async with AsyncClient(url, enqueue_patience=0) as client:
                await client.enqueue(Task("work"))

    proxy.hangs_up = True
    others = cluster.url.removeprefix("redis-cluster://")
    run_on(loop_name, enqueue(f"redis-cluster://127.0.0.1:{proxy.port},{others}"))


@on_each_loop
def test_a_sentinel_that_resets_lets_the_next_one_name_the_master(loop_name, proxy):
    async def enqueue(url: str) -> None:
        for _ in range(TRIES // 10):
            async with AsyncClient(url, enqueue_patience=0) as client:
                await client.enqueue(Task("work"))

    proxy.hangs_up = True
    sentinel = RedisSentinel()
    try:
        hosts = f"127.0.0.1:{proxy.port},127.0.0.1:{sentinel.port}"
        run_on(loop_name, enqueue(f"redis-sentinel://{hosts}/0?master=mymaster"))
    finally:
        sentinel.stop()


async def _error_of(client: AsyncClient) -> BaseException | None:
    try:
        await client.enqueue(Task("work"))
    except Exception as error:
        return error
    return None
