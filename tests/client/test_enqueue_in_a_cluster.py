"""Tasks for a node that is away do not hold up those for other nodes."""

import asyncio
import contextlib
import os
import signal

import pytest
from redis.crc import key_slot

from pyasynq.client import Client
from pyasynq.client_async import AsyncClient
from pyasynq.errors import RedisUnavailableError
from pyasynq.options import EnqueueOptions
from pyasynq.task import Task
from tests.support.redis_cluster import RedisCluster

LARGE = b"x" * 400_000  # three of them are more than goes in one round trip


def queues_on(cluster: RedisCluster, number: int) -> list[str]:
    names = (f"q{each}" for each in range(100))
    return [each for each in names if cluster.owner_at_first(key_slot(each.encode())) == number]


@pytest.fixture
def frozen(cluster):
    """The number of a node that is frozen; the list of all queues is there, too."""
    number = cluster.owner_at_first(key_slot(b"asynq:queues"))
    os.kill(cluster.nodes[number].pid, signal.SIGSTOP)
    yield number
    os.kill(cluster.nodes[number].pid, signal.SIGCONT)


async def test_a_task_that_is_enqueued_beside_one_for_a_silent_node_does_not_wait(cluster, frozen):
    (away, *_), (here, other, *_) = queues_on(cluster, frozen), queues_on(cluster, 1)
    first = f"redis-cluster://127.0.0.1:{cluster.nodes[2].port}?socket_timeout=0.9"

    async with AsyncClient(first, enqueue_patience=60) as client:
        waiting = asyncio.create_task(client.enqueue(Task("work"), queue=away))
        beside = [client.enqueue(Task("work"), queue=each) for each in (here, away, other)]
        stored = [asyncio.create_task(each) for each in beside]
        infos = [await stored[0], await stored[2]]
        is_waiting = not (waiting.done() or stored[1].done())
        for each in (waiting, stored[1]):
            each.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await each

    assert [each.queue for each in infos] == [here, other]
    assert is_waiting


def test_many_tasks_are_stored_where_their_nodes_answer(cluster, frozen):
    (away, *_), (here, *_) = queues_on(cluster, frozen), queues_on(cluster, 1)
    first = f"redis-cluster://127.0.0.1:{cluster.nodes[2].port}?socket_timeout=0.9"
    tasks = [
        (Task("work", LARGE), EnqueueOptions(queue=queue))
        for queue in (away, here)
        for _ in "123456"
    ]

    with Client(first, enqueue_patience=0) as client:
        with pytest.raises(RedisUnavailableError, match="6 of 12 tasks have no answer") as caught:
            client.enqueue_many(tasks)

    results = caught.value.results
    assert [each is not None for each in results] == [False] * 6 + [True] * 6


def test_only_calls_to_the_node_that_is_away_fail_fast(cluster, frozen):
    (away, *_), (here, *_) = queues_on(cluster, frozen), queues_on(cluster, 1)
    first = f"redis-cluster://127.0.0.1:{cluster.nodes[2].port}?socket_timeout=0.9"

    with Client(first, enqueue_patience=1) as client:
        for reason in ("no answer|timed out|Timeout", "not tried again so soon"):
            with pytest.raises(RedisUnavailableError, match=reason):
                client.enqueue(Task("work"), queue=away)
        assert client.enqueue(Task("work"), queue=here).queue == here
