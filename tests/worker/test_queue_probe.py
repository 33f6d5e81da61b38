"""One command finds out which queues have tasks."""

import pytest

from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.clock import SystemClock
from pyasynq.connection.connector import Connector
from pyasynq.connection.transport import slot_map
from pyasynq.wire.keys import queue_keys
from pyasynq.worker.queue_probe import QueueProbe
from tests.support.redis_cluster import SLOTS


def pending_of(keys):
    return (keys.pending,)


@pytest.mark.not_on_a_cluster("asks one server for all queues; other tests here ask each node")
async def test_all_queues_are_visited_when_one_has_something(runner, redis_client):
    queues = [queue_keys("a"), queue_keys("b")]
    probe = QueueProbe(runner, queues, pending_of, is_cluster=False)

    assert list(await probe.queues()) == []
    redis_client.lpush(queues[1].pending, "task")
    assert list(await probe.queues()) == queues


@pytest.fixture
async def cluster_runner(cluster):
    runner = AsyncRunner(Connector.of(cluster.url).open_async(), clock=SystemClock())
    yield runner
    await runner.close()


async def test_in_a_cluster_each_node_is_asked_once_for_all_its_queues(cluster_runner, cluster):
    queues = [queue_keys(f"q{number}") for number in range(30)]
    probe = QueueProbe(cluster_runner, queues, pending_of, is_cluster=True)
    assert list(await probe.queues()) == []  # now the nodes know the script
    before = asked(cluster)
    assert list(await probe.queues()) == []
    questions = asked(cluster) - before

    client = cluster.client()
    for queue in (queues[0], queues[17]):
        client.lpush(queue.pending, "task")
        assert list(await probe.queues()) == queues
        client.delete(queue.pending)
    client.close()
    assert questions == 3


async def test_in_a_cluster_a_node_that_cannot_be_asked_means_that_all_are_visited(
    cluster_runner, monkeypatch
):
    monkeypatch.setattr(slot_map, "PAUSE_S", 0)
    queues = [queue_keys(f"q{number}") for number in range(30)]
    probe = QueueProbe(cluster_runner, queues, pending_of, is_cluster=True)
    assert list(await probe.queues()) == []
    slots = cluster_runner._client.slots
    host, port = slots.primaries[0]
    slots.take((host, port), [[0, SLOTS - 1, [host.encode(), port]]])  # an old map of the slots

    assert list(await probe.queues()) == queues
    assert list(await probe.queues()) == []  # it has the new one


def asked(cluster):
    """How often the nodes have run a script."""
    total = 0
    for node in cluster.nodes:
        client = node.client()
        total += client.info("commandstats").get("cmdstat_evalsha", {}).get("calls", 0)
        client.close()
    return total


@pytest.mark.not_on_a_cluster("asks one server for all queues; other tests here ask each node")
async def test_where_nobody_may_ask_all_queues_are_visited(runner, redis_client):
    queues = [queue_keys("a")]
    probe = QueueProbe(runner, queues, pending_of, is_cluster=False)
    redis_client.execute_command("ACL", "SETUSER", "default", "-exists")
    try:
        assert list(await probe.queues()) == queues
    finally:
        redis_client.execute_command("ACL", "SETUSER", "default", "+exists")
    assert list(await probe.queues()) == queues  # it does not ask again
