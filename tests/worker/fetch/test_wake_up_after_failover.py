"""An idle worker of a cluster is woken by pushes again after another node serves the queue."""

import contextlib

import pytest
from redis.crc import key_slot

from pyasynq.client_async import AsyncClient
from pyasynq.task import Task
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.fetch import empty_queues
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.server import Server
from tests.support.eventually import eventually_async
from tests.support.redis_cluster import RedisCluster, call
from tests.support.signals import flushed
from tests.support.waiting import announced, blocked

HOUR = 3600
QUEUE, SLOT = "mail", key_slot(b"mail")


@pytest.fixture(scope="module")
def replicated():
    cluster = RedisCluster(replicas=1, node_timeout_ms=1500)
    yield cluster
    cluster.stop()


@pytest.fixture
def roles(replicated):
    """The node of the queue, and its replica."""
    with replicated.client() as client:
        client.flushall()
    primary = replicated.owner(SLOT)
    yield primary, replicated.replica_of(primary)
    for node in replicated.nodes:
        if node.process is None:
            node.start()
    replicated.until_whole()


@contextlib.asynccontextmanager
async def serving(cluster, seen):
    mux = ServeMux()
    mux.add("email", lambda ctx, task: seen.append(ctx.task_id))
    config = ServerConfig(queues={QUEUE: 1}, task_check_interval=1, janitor_interval=HOUR)
    async with (
        Server(cluster.url, config).running(mux) as server,
        AsyncClient(cluster.url, enqueue_patience=20) as client,
    ):
        yield server, client


def count(node, figure):
    with node.client() as client:
        return figure(client)


@pytest.mark.parametrize("how", ["killed", "demoted"])
@pytest.mark.parametrize("figure", [announced, blocked])
async def test_the_promoted_node_wakes_the_worker(replicated, roles, how, figure, monkeypatch):
    monkeypatch.setattr(empty_queues, "CHECK_S", 0.2)
    primary, replica = roles
    seen: list[str] = []
    if figure is blocked:
        for node in replicated.nodes:
            call(node, "ACL SETUSER", "default", "-client|tracking")

    async with serving(replicated, seen) as (server, client):
        await eventually_async(lambda: count(primary, figure) == 1)
        if how == "killed":
            primary.kill()
            replicated.promote(replica, "TAKEOVER")
        else:
            replicated.promote(replica)
        await eventually_async(lambda: count(replica, figure) == 1)
        info = await client.enqueue(Task("email"), queue=QUEUE)
        await flushed(server).until(lambda: info.id in seen)
    for node in replicated.nodes:
        if node.process is not None:
            call(node, "ACL SETUSER", "default", "+client|tracking")

    assert seen == [info.id]
