"""Concurrent calls of one turn of the event loop share a round trip; a lone one leaves at once."""

import asyncio
import math

import pytest

from pyasynq.client_async import AsyncClient
from pyasynq.errors import RedisUnavailableError, TaskIdConflictError
from pyasynq.task import Task
from tests.support.chaos_proxy import ChaosProxy
from tests.support.eventually import eventually, eventually_async


def scripts_run(redis_client) -> int:
    return int(redis_client.info("commandstats")["cmdstat_evalsha"]["calls"])


@pytest.fixture
async def client(redis_url, redis_client):
    async with AsyncClient(redis_url) as client:
        await client.enqueue(Task("warm"), queue="warm")
        redis_client.flushdb()
        redis_client.config_resetstat()
        yield client


async def test_calls_beside_one_under_way_share_a_script_per_48(client, redis_client):
    infos = await asyncio.gather(*(client.enqueue(Task("email")) for _ in range(1001)))

    assert scripts_run(redis_client) == 1 + math.ceil(1000 / 48)
    assert redis_client.llen("asynq:{default}:pending") == 1001
    assert len({info.id for info in infos}) == 1001


async def test_a_lone_call_is_sent_before_the_loop_turns(client, redis_client):
    await client.enqueue(Task("email"))
    lone = asyncio.create_task(client.enqueue(Task("email"), task_id="lone"))
    await asyncio.sleep(0)  # the call has begun, and nothing else has happened

    eventually(lambda: redis_client.exists("asynq:{default}:t:lone"))
    assert (await lone).id == "lone"


async def test_concurrent_calls_of_one_turn_keep_their_order(client, redis_client):
    names = [f"{number:03}" for number in range(200)]
    await asyncio.gather(*(client.enqueue(Task("email"), task_id=name) for name in names))

    pending = redis_client.lrange("asynq:{default}:pending", 0, -1)
    assert [name.decode() for name in reversed(pending)] == names


async def test_each_caller_has_its_own_result(client):
    calls = [client.enqueue(Task("email"), task_id=name) for name in ("a", "b", "a", "c")]

    first, second, third, fourth = await asyncio.gather(*calls, return_exceptions=True)

    assert (first.id, second.id, fourth.id) == ("a", "b", "c")
    assert isinstance(third, TaskIdConflictError)


async def test_cancelling_one_before_it_is_sent_stores_only_the_others(client, redis_client):
    lone = asyncio.create_task(client.enqueue(Task("email")))
    first = asyncio.create_task(client.enqueue(Task("email"), task_id="first"))
    second = asyncio.create_task(client.enqueue(Task("email"), task_id="second"))
    await asyncio.sleep(0)  # both wait for the turn to end, since another call is under way
    first.cancel()

    assert (await second).id == "second"
    with pytest.raises(asyncio.CancelledError):
        await first
    await lone
    assert not redis_client.exists("asynq:{default}:t:first")


async def test_cancelling_one_under_way_does_not_cancel_the_others(redis_server, redis_client):
    with ChaosProxy(redis_server.port) as proxy:
        async with AsyncClient(proxy.url) as client:
            await client.enqueue(Task("warm"))
            redis_client.client_pause(300)
            calls = [asyncio.create_task(client.enqueue(Task("email"))) for _ in range(3)]
            for _ in range(20):
                await asyncio.sleep(0)
            calls[1].cancel()

            done = await asyncio.gather(*calls, return_exceptions=True)

    assert [type(each).__name__ for each in done] == ["TaskInfo", "CancelledError", "TaskInfo"]


async def test_cancelling_a_lone_call_under_way_leaves_the_next_one_alone(client, redis_client):
    redis_client.client_pause(300)
    lone = asyncio.create_task(client.enqueue(Task("email"), task_id="lone"))
    for _ in range(20):
        await asyncio.sleep(0)
    lone.cancel()

    following = await client.enqueue(Task("email"), task_id="following")

    assert lone.cancelled()
    assert following.id == "following"
    assert redis_client.exists("asynq:{default}:t:following")


async def test_every_caller_gets_the_error_when_redis_is_gone():
    with ChaosProxy(0) as proxy:
        proxy.refuse()
        async with AsyncClient(proxy.url, enqueue_patience=0) as client:
            calls = [client.enqueue(Task("email")) for _ in range(3)]
            answers = await asyncio.gather(*calls, return_exceptions=True)

    assert [type(each) for each in answers] == [RedisUnavailableError] * 3


async def test_closing_waits_for_calls_under_way(redis_url, redis_client):
    client = AsyncClient(redis_url)
    await client.enqueue(Task("warm"))
    call = asyncio.create_task(client.enqueue(Task("email"), task_id="last"))
    await asyncio.sleep(0)
    await client.close()

    assert (await call).id == "last"
    await eventually_async(lambda: redis_client.exists("asynq:{default}:t:last"))


async def test_the_first_call_is_as_patient_as_any(redis_server, redis_url):
    with ChaosProxy(redis_server.port) as proxy:
        proxy.refuse()
        async with AsyncClient(proxy.url, enqueue_patience=20) as client:
            call = asyncio.create_task(client.enqueue(Task("email"), task_id="one"))
            done, _ = await asyncio.wait({call}, timeout=0.2)
            assert not done
            proxy.accept()

            assert (await call).id == "one"
