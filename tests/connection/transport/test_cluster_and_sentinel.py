"""A real cluster and a real sentinel: enqueue, run, look, and slots that move."""

import asyncio

import pytest
import redis
from redis.crc import key_slot

from pyasynq.app import App
from pyasynq.broker.operations import enqueue
from pyasynq.broker.runners.runner import Runner
from pyasynq.client import Client
from pyasynq.client_async import AsyncClient
from pyasynq.clock import SystemClock
from pyasynq.connection.connector import Connector
from pyasynq.errors import ConfigError, RedisUnavailableError
from pyasynq.inspector import Inspector
from pyasynq.options import EnqueueOptions
from pyasynq.task import Task
from pyasynq.wire.keys import queue_keys
from tests.support.builders import NOW_NS, make_prepared
from tests.support.eventually import eventually_async
from tests.support.redis_cluster import RedisCluster
from tests.support.redis_sentinel import RedisSentinel

QUEUES = ("default", "low", "mail", "a", "b", "c")


@pytest.fixture(scope="module")
def sentinel():
    sentinel = RedisSentinel()
    yield sentinel
    sentinel.stop()


def node_of(cluster: RedisCluster, key: str) -> int:
    """Return the port of the node that serves *key*."""
    client = cluster.client()
    try:
        return client.get_node_from_key(key).port
    finally:
        client.close()


def test_queues_of_these_tests_live_on_different_nodes(cluster):
    assert len({node_of(cluster, f"asynq:{{{queue}}}:pending") for queue in QUEUES}) == 3


@pytest.mark.parametrize("kind", ["cluster", "sentinel"])
async def test_tasks_are_enqueued_run_and_seen(kind, cluster, sentinel):
    url = cluster.url if kind == "cluster" else sentinel.url()
    app = App(url, queues=dict.fromkeys(QUEUES, 1), task_defaults=EnqueueOptions(retention=60))

    @app.task
    async def double(number: int) -> int:
        return 2 * number

    async with app.server().running(app.mux):
        handles = [await double.options(queue=queue).aenqueue(21) for queue in QUEUES]
        later = await double.options(process_in=0.1).aenqueue(4)
        blocking = await asyncio.to_thread(double.options(queue="low").enqueue, 5)

        assert [await handle.aresult(20) for handle in handles] == [42] * len(QUEUES)
        assert (await later.aresult(20), await blocking.aresult(20)) == (8, 10)
        results = await app.aenqueue_many(
            [(double.bind(n), EnqueueOptions(queue=QUEUES[n % 6])) for n in range(60)]
        )
        for number, result in enumerate(results):
            handle = app.task_handle(result.info.queue, result.info.id)
            assert await handle.aresult(20) == 2 * number
    await app.aclose()

    with Inspector(url) as inspector:
        assert set(inspector.queues.list()) == set(QUEUES)
        assert inspector.queues.info("low").completed == 12


@pytest.mark.parametrize("kind", ["cluster", "sentinel"])
async def test_a_running_task_is_cancelled(kind, cluster, sentinel):
    app = App(cluster.url if kind == "cluster" else sentinel.url())
    started, ended = asyncio.Event(), asyncio.Event()

    @app.task(max_retry=0)
    async def wait() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with asyncio.timeout(20), app.server().running(app.mux):
        handle = await wait.aenqueue()
        await started.wait()
        while not ended.is_set():
            await handle.acancel()
            await asyncio.sleep(0.01)
    await app.aclose()


def move_slot(cluster: RedisCluster, key: str) -> None:
    """Give the slot of *key*, which must be empty, to another node."""
    slot = key_slot(key.encode())
    owner = node_of(cluster, key)
    other = next(node for node in cluster.nodes if node.port != owner)
    client = other.client()
    name = client.execute_command("CLUSTER MYID")
    client.close()
    for node in sorted(cluster.nodes, key=lambda each: each is not other):
        client = node.client()
        client.execute_command("CLUSTER SETSLOT", slot, "NODE", name)
        client.close()


@pytest.mark.parametrize("form", ["blocking", "async"])
async def test_a_slot_that_moved_is_followed(cluster, form):
    key = "asynq:{moving}:pending"
    if form == "blocking":
        with Client(cluster.url) as client:
            client.enqueue(Task("email"))
            before = node_of(cluster, key)
            move_slot(cluster, key)
            info = client.enqueue(Task("email"), queue="moving", unique=60)
    else:
        async with AsyncClient(cluster.url) as client:
            await client.enqueue(Task("email"))
            before = node_of(cluster, key)
            move_slot(cluster, key)
            info = await client.enqueue(Task("email"), queue="moving", unique=60)

    with Inspector(cluster.url) as inspector:
        assert inspector.tasks.get("moving", info.id).state == "pending"
    assert node_of(cluster, key) != before


def test_one_pipeline_reaches_every_node_and_keeps_the_order_of_its_answers(cluster):
    runner = Runner(Connector.of(cluster.url).open_sync(), clock=SystemClock())
    operations = []
    for number in range(30):
        keys = queue_keys(QUEUES[number % 6])
        item = make_prepared(f"task{number // 2}", queue=keys.queue)
        operations.append(enqueue.store([item], now_ns=NOW_NS))

    answers = runner.run_all(operations)

    assert [answer == [None] for answer in answers] == [True] * 30
    runner.close()


def test_a_cluster_that_is_gone_is_unavailable():
    with Client("redis-cluster://127.0.0.1:1,127.0.0.1:2", enqueue_patience=0) as client:
        with pytest.raises(RedisUnavailableError, match="refused"):
            client.enqueue(Task("email"))


def test_a_single_server_is_refused_as_a_cluster(redis_server):
    url = f"redis-cluster://127.0.0.1:{redis_server.port}"
    with Client(url) as client, pytest.raises(ConfigError, match="not a cluster"):
        client.enqueue(Task("email"))


def test_a_master_that_no_sentinel_knows_is_named(sentinel):
    with Client(sentinel.url("other")) as client:
        with pytest.raises(ConfigError, match="no master of this name: 'other'; they know 'mymas"):
            client.enqueue(Task("email"))


@pytest.mark.parametrize("kind", ["cluster", "sentinel"])
async def test_calls_with_a_patience_of_their_own_reach_every_node(kind, cluster, sentinel):
    url = cluster.url if kind == "cluster" else sentinel.url()
    tasks = [(Task("email"), EnqueueOptions(queue=queue)) for queue in QUEUES]
    with Client(url) as client:
        results = client.enqueue_many(tasks, patience=30)
    async with AsyncClient(url) as async_client:
        results += await async_client.enqueue_many(tasks, patience=30)
        info = await async_client.enqueue(Task("email"), patience=30)

    assert [each.info.queue for each in results if each.info] == [*QUEUES, *QUEUES]
    assert info.state == "pending"


async def test_connections_to_sentinels_end_with_the_client(sentinel):
    with redis.Redis(port=sentinel.port, protocol=2) as watching:

        def count() -> int:
            return len(watching.client_list())

        before = count()
        with Client(sentinel.url()) as client:
            client.enqueue(Task("email"))
        async with AsyncClient(sentinel.url()) as async_client:
            await async_client.enqueue(Task("email"))

        await eventually_async(lambda: count() == before)


def test_a_cluster_has_one_database():
    with pytest.raises(ConfigError, match="database"):
        Connector.of("redis-cluster://127.0.0.1:1/3")
