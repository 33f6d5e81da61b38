"""Concurrent calls of an event loop share their wait for replicas."""

import asyncio

import pytest

from pyasynq.client_async import AsyncClient
from pyasynq.errors import NotReplicatedError
from pyasynq.task import Task
from tests.support.replicas import ReplicatedRedis

CALLS = 500


@pytest.fixture(scope="module")
def pair():
    pair = ReplicatedRedis()
    yield pair
    pair.stop()


def waits(server):
    with server.client() as client:
        return client.info("commandstats")["cmdstat_wait"]["calls"]


@pytest.mark.parametrize("is_frozen", [False, True])
async def test_calls_that_are_made_together_wait_together(pair, is_frozen):
    async with AsyncClient(pair.url()) as client:
        await client.enqueue(Task("email"))
        before = waits(pair.primary)
        if is_frozen:
            pair.freeze_replica()
        calls = (client.enqueue(Task("email")) for _ in range(CALLS))
        try:
            outcomes = await asyncio.gather(*calls, return_exceptions=True)
        finally:
            pair.thaw_replica()

    errors = [each for each in outcomes if isinstance(each, BaseException)]
    assert [type(each) for each in errors] == [NotReplicatedError] * (CALLS if is_frozen else 0)
    assert waits(pair.primary) - before <= 3


async def test_a_call_that_is_cancelled_before_it_is_sent_is_not_sent(pair):
    pair.until_in_step()
    async with AsyncClient(pair.url()) as client:
        await client.enqueue(Task("email"))
        kept = asyncio.create_task(client.enqueue(Task("email"), task_id="kept"))
        gone = asyncio.create_task(client.enqueue(Task("email"), task_id="gone"))
        await asyncio.sleep(0)
        gone.cancel()
        await kept

    with pair.primary.client() as client:
        assert client.exists("asynq:{default}:t:kept")
        assert not client.exists("asynq:{default}:t:gone")
