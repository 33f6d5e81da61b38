"""Ticks in a cluster: each is stored once on its node, and a node that is away delays no other."""

from datetime import UTC, datetime

import pytest
from redis.crc import key_slot

from pyasynq.clock import FakeClock
from pyasynq.errors import RedisUnavailableError
from pyasynq.options import EnqueueOptions
from pyasynq.scheduler.entry import make_entry
from pyasynq.scheduler.hooks import Hooks
from pyasynq.scheduler.leadership import Leadership
from pyasynq.scheduler.ticker import BATCH, Ticker
from pyasynq.task import Task
from pyasynq.wire.keys import queue_keys
from tests.support.builders import make_scheduler_resources
from tests.support.redis_cluster import RedisCluster

NINE = datetime(2025, 1, 6, 9, tzinfo=UTC)


@pytest.fixture
def own_cluster():
    cluster = RedisCluster()
    yield cluster
    cluster.stop()


def queue_on(cluster, number):
    names = (f"q{i}" for i in range(1000))
    return next(each for each in names if node_of(cluster, each) == number)


def node_of(cluster, queue):
    return cluster.owner_at_first(key_slot(queue_keys(queue).pending.encode()))


def entries_of(queue, count):
    task = Task("report")
    options = EnqueueOptions(queue=queue)
    return [
        make_entry("shop", "@every 1m", task, options, key=f"{queue} {i}") for i in range(count)
    ]


def ticker_of(cluster, clock, entries):
    resources = make_scheduler_resources(cluster.url, clock, {each.id: each for each in entries})
    return Ticker(resources, Leadership(resources), Hooks())


async def test_a_node_that_is_away_delays_only_what_lies_there(own_cluster):
    absent, present = queue_on(own_cluster, 0), queue_on(own_cluster, 1)
    clock = FakeClock(NINE)
    ticker = ticker_of(own_cluster, clock, entries_of(absent, 2 * BATCH) + entries_of(present, 3))
    await ticker.fire_due()
    clock.advance(60)
    own_cluster.nodes[0].kill()

    made = []
    for _ in range(2):
        with pytest.raises(RedisUnavailableError):
            await ticker.fire_due()
        with own_cluster.nodes[1].client() as node:
            made.append(node.llen(queue_keys(present).pending))
        clock.advance(60)
    await ticker._runner.close()

    assert made == [3, 6]


async def test_two_leaders_store_each_tick_once_on_every_node(cluster):
    clock = FakeClock(NINE)
    queues = [queue_on(cluster, number) for number in range(3)]
    entries = [entry for queue in queues for entry in entries_of(queue, 2)]
    tickers = [ticker_of(cluster, clock, entries) for _ in range(2)]
    made = []
    for minutes in (0, 1, 1):
        clock.advance(60 * minutes)
        made += [await ticker.fire_due() for ticker in tickers]
    for ticker in tickers:
        await ticker._runner.close()

    with cluster.client() as client:
        pending = [client.llen(queue_keys(queue).pending) for queue in queues]
    assert made == [0, 0, 6, 0, 6, 0]
    assert pending == [4, 4, 4]
