"""How an idle server of a cluster learns of tasks, whichever node keeps their queue."""

import contextlib
from collections.abc import AsyncIterator

from redis.crc import key_slot

from pyasynq.client_async import AsyncClient
from pyasynq.task import Task
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.fetch import empty_queues
from pyasynq.worker.fetch.empty_queues import EmptyQueues
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.server import Server
from tests.support.builders import make_resources
from tests.support.commands import Commands
from tests.support.eventually import eventually_async
from tests.support.redis_cluster import RedisCluster
from tests.support.signals import flushed
from tests.support.waiting import announced

QUEUES = ("default", "low", "mail", "a", "b", "c")  # on three nodes
HOUR = 3600


def announced_by_all(cluster: RedisCluster) -> int:
    total = 0
    for node in cluster.nodes:
        client = node.client()
        total += announced(client)
        client.close()
    return total


@contextlib.asynccontextmanager
async def serving(
    cluster: RedisCluster, seen: list[str], *, check_s: float = HOUR
) -> AsyncIterator[Server]:
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        seen.append(ctx.queue)

    config = ServerConfig(
        queues=dict.fromkeys(QUEUES, 1),
        task_check_interval=check_s,
        delayed_task_check_interval=HOUR,
        janitor_interval=HOUR,
    )
    async with Server(cluster.url, config).running(mux) as server:
        yield server


async def test_a_push_to_any_node_wakes(cluster):
    seen: list[str] = []

    async with serving(cluster, seen) as server, AsyncClient(cluster.url) as client:
        for queue in QUEUES:
            await eventually_async(lambda: announced_by_all(cluster) == len(QUEUES))
            await client.enqueue(Task("email", b"{}"), queue=queue)
            await flushed(server).until(lambda queue=queue: queue in seen)

    assert seen == list(QUEUES)


async def test_a_push_wakes_after_the_slot_of_the_queue_has_moved(cluster, monkeypatch):
    monkeypatch.setattr(empty_queues, "CHECK_S", 0.05)
    slot, seen = key_slot(b"asynq:{mail}:pending"), list[str]()
    first = cluster.owner_at_first(slot)

    # The queue that a node refuses is polled until it is watched again.
    async with serving(cluster, seen, check_s=1) as server:
        await eventually_async(lambda: announced_by_all(cluster) == len(QUEUES))
        client = cluster.client()
        client.delete("asynq:{mail}:x:waiters")  # only an empty slot can be given away at once
        cluster.give(slot, (first + 1) % len(cluster.nodes))
        async with AsyncClient(cluster.url) as producer:
            await producer.enqueue(Task("email", b"{}"), queue="mail")
        await flushed(server).until(lambda: seen)
    client.flushall()
    cluster.give(slot, first)
    client.close()

    assert seen == ["mail"]


async def test_a_node_is_checked_by_one_command_for_all_its_queues(cluster, monkeypatch):
    monkeypatch.setattr(empty_queues, "CHECK_S", 0.05)
    config = ServerConfig(queues=dict.fromkeys(QUEUES, 1))
    resources = make_resources(url=cluster.url, config=config)
    empty, sent = EmptyQueues(resources, known_for_s=60), list[str]()
    empty.track(resources.queues)
    await eventually_async(lambda: announced_by_all(cluster) == len(QUEUES))

    with Commands(cluster.nodes[0]) as commands:
        await eventually_async(lambda: sent.extend(commands.sent()) or len(sent) > 3)
    known = set(empty.known)
    await empty.close()

    assert (known, set(sent)) == (set(QUEUES), {"eval"})
