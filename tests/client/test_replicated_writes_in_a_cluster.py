"""In a cluster each node waits for replicas of its own."""

import os
import signal

import pytest
from redis.crc import key_slot

from pyasynq.client import Client
from pyasynq.errors import ConfigError, NotReplicatedError
from pyasynq.options import EnqueueOptions
from pyasynq.task import Task
from tests.support.eventually import eventually
from tests.support.ports import free_port
from tests.support.redis_cluster import RedisCluster
from tests.support.redis_server import RedisServer

SETTINGS = "?durability=replicated&replication_timeout=3"  # a living replica answers in that time


@pytest.fixture
def replicated():
    """A cluster of two primaries, and the replica of the first one."""
    cluster = RedisCluster(2)
    replicas = []
    try:
        replicas.extend(replica_of(primary) for primary in cluster.nodes)
        yield cluster, replicas[0]
    finally:
        for each in replicas:
            os.kill(each.pid, signal.SIGCONT)
            each.stop()
        cluster.stop()


def replica_of(primary: RedisServer) -> RedisServer:
    replica = RedisServer("--cluster-enabled", "yes", "--cluster-port", str(free_port()))
    bus = primary.settings[primary.settings.index("--cluster-port") + 1]
    with primary.client() as of_primary, replica.client() as client:
        of_primary.config_set("repl-diskless-sync-delay", 0)
        node_id = of_primary.execute_command("CLUSTER MYID").decode()
        client.execute_command("CLUSTER MEET", "127.0.0.1", primary.port, bus)
        eventually(lambda: node_id in str(client.execute_command("CLUSTER NODES")))
        client.execute_command("CLUSTER REPLICATE", node_id)
        of_primary.execute_command("FLUSHALL")
        eventually(lambda: of_primary.execute_command("WAIT", 1, 1000))
    return replica


def test_only_the_node_whose_replica_is_silent_tells_so(replicated):
    cluster, replica = replicated
    by_node = {
        cluster.owner_at_first(key_slot(f"asynq:{{{queue}}}".encode())): queue
        for queue in ("default", "low", "mail", "a", "b", "c")
    }
    tasks = [(Task("email"), EnqueueOptions(queue=by_node[number])) for number in (0, 1)]
    with Client(cluster.url + SETTINGS) as client:
        assert all(each.info for each in client.enqueue_many(tasks))
        os.kill(replica.pid, signal.SIGSTOP)

        with pytest.raises(NotReplicatedError) as caught:
            client.enqueue_many(tasks)
        client.enqueue(Task("email"), queue=by_node[1])

    assert [each is None for each in caught.value.results] == [True, False]


def test_a_cluster_without_replicas_is_told_before_anything_is_written(cluster):
    with Client(cluster.url + SETTINGS) as client:
        with pytest.raises(ConfigError, match="needs replicas, of which this redis has none"):
            client.enqueue(Task("email"))

    with cluster.client() as looking:
        assert looking.keys("*") == []
