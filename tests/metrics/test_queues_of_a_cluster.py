"""A node of a cluster that is away hides no queue of another one."""

import os
import signal

import pytest

from pyasynq.client import Client
from pyasynq.inspector import Inspector
from pyasynq.metrics.queue_reader import QueueReader
from pyasynq.task import Task
from pyasynq.wire.keys import queue_keys
from tests.support.redis_cluster import RedisCluster


@pytest.mark.long
@pytest.mark.not_on_a_cluster("it has its own")
def test_a_node_that_hangs_hides_no_queue_of_another():
    cluster = RedisCluster()
    queues = [f"q{number}" for number in range(20)]
    with cluster.client() as client:
        owners = {each: cluster.owner(client.keyslot(queue_keys(each).pending)) for each in queues}
        index = cluster.owner(client.keyslot("asynq:queues"))
    victim = next(each for each in owners.values() if each is not index)
    try:
        with Client(cluster.url) as producer:
            for each in queues:
                producer.enqueue(Task("t", b"{}"), queue=each)
        with Inspector(
            f"{cluster.url}?socket_timeout=0.3&connect_timeout=0.3", patience=0.3
        ) as inspector:
            QueueReader().read(inspector)
            os.kill(victim.pid, signal.SIGSTOP)
            readings = QueueReader().read(inspector)
    finally:
        os.kill(victim.pid, signal.SIGCONT)
        cluster.stop()
    up = {each.labels[0]: each.value for each in readings if each.metric == "pyasynq_queue_up"}

    assert up == {queue: float(owner is not victim) for queue, owner in owners.items()}
