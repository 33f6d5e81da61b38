"""With ``durability=replicated`` an outcome is regarded as written when replicas have it."""

import asyncio
import logging

import pytest

from pyasynq.client_async import AsyncClient
from pyasynq.errors import ConfigError
from pyasynq.scheduler.scheduler import Scheduler
from pyasynq.task import Task
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.server import Server
from tests.support.eventually import eventually_async
from tests.support.replicas import ReplicatedRedis
from tests.support.workplace import QUICK


@pytest.fixture(scope="module")
def started_pair():
    pair = ReplicatedRedis()
    yield pair
    pair.stop()


@pytest.fixture
def pair(started_pair):
    with started_pair.primary.client() as client:
        client.flushall()
    started_pair.until_in_step()
    yield started_pair
    started_pair.thaw_replica()


@pytest.fixture
def mux():
    mux = ServeMux()
    mux.handler("run")(lambda _ctx, _task: None)
    return mux


def server_of(url):
    return Server(url, ServerConfig(**QUICK))


def completed(server):
    with server.client() as client:
        return client.zcard("asynq:{default}:completed")


async def test_an_outcome_that_is_written_is_on_the_replica(pair, mux):
    seen = []
    server = server_of(pair.url())
    async with AsyncClient(pair.url()) as client, server.running(mux):
        finisher = server._parts.finisher
        for number in range(1, 6):
            await client.enqueue(Task("run"), retention=60)
            await eventually_async(lambda number=number: finisher.counts.get("completed") == number)
            seen.append(completed(pair.replica))

    assert seen == [1, 2, 3, 4, 5]
    assert server.counters.all() == []


async def test_a_worker_whose_replica_is_silent_says_it_once_counts_it_and_goes_on(
    pair, mux, caplog
):
    caplog.set_level(logging.INFO)
    server = server_of(pair.url())
    async with AsyncClient(pair.primary.tcp_url) as client, server.running(mux):
        pair.freeze_replica()
        for number in range(1, 4):
            await client.enqueue(Task("run"), retention=60)
            await eventually_async(lambda number=number: completed(pair.primary) == number)
        finisher = server._parts.finisher
        await eventually_async(lambda: finisher.counts.get("completed") == 3)
        missing = {each.name: each.value for each in server.counters.all()}
        pair.thaw_replica()
        pair.until_in_step()
        await client.enqueue(Task("run"), retention=60)
        await eventually_async(lambda: "on 1 of 1 replicas again" in caplog.text)

    told = [each for each in caplog.messages if "on 0 of 1 replicas only" in each]
    assert len(told) == 1
    assert missing["unreplicated"] >= 3


async def test_a_worker_does_not_start_where_there_never_was_a_replica(own_redis, mux):
    with pytest.raises(ConfigError, match="needs replicas, of which this redis has none"):
        await asyncio.wait_for(
            server_of(f"{own_redis.tcp_url}?durability=replicated").serve(mux), 20
        )


async def test_a_worker_starts_while_a_replica_is_replaced(mux):
    pair = ReplicatedRedis()
    try:
        pair.replica.kill()
        with pair.primary.client() as client:
            await eventually_async(lambda: not client.info("replication")["connected_slaves"])
        async with server_of(pair.url()).running(mux) as server:
            assert server.is_ready
    finally:
        pair.primary.stop()


async def test_a_scheduler_waits_for_the_replica_of_its_ticks(pair):
    with pair.primary.client() as client:
        client.config_resetstat()
    scheduler = Scheduler(pair.url(), name="shop")
    scheduler.register("@every 1s", Task("tick"))

    async with scheduler.running():
        await eventually_async(lambda: tasks_of(pair.primary))
        on_replica = tasks_of(pair.replica)
    with pair.primary.client() as client:
        waits = client.info("commandstats")["cmdstat_wait"]["calls"]

    assert waits >= 2  # one at the start
    assert on_replica or tasks_of(pair.replica)


def tasks_of(server):
    with server.client() as client:
        return client.llen("asynq:{default}:pending")
