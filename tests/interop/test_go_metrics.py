"""Queues have the metrics of Go's exporter: its names, labels, types, helps and values.

asynqmon has the collector of x/metrics; Go's exporter is that and a port. Both look at one Redis.
"""

import time

import pytest
from prometheus_client import CollectorRegistry

from pyasynq.inspector import Inspector
from pyasynq.metrics import QueueCollector
from pyasynq.metrics.exposition import exposition
from pyasynq.wire.keys import queue_keys
from tests.interop.asynqmon import Asynqmon, installed
from tests.support import every_state
from tests.support.scraped import samples_of, shapes_of

PASSING = "asynq_queue_latency_seconds"  # goes on between two scrapes
ESTIMATED = "asynq_queue_memory_usage_approx_bytes"  # Go leaves groups out
MOMENT_S = 60


@pytest.fixture
def scrapes(redis_server, redis_url, redis_client, tmp_path_factory):
    """Return what Go and we show of a Redis with tasks in every state."""
    every_state.fill(redis_client, int(time.time()))
    for queue, processed, failed in (("mail", 547, 30), ("orders", 2**40, 7)):
        redis_client.set(queue_keys(queue).processed, processed)
        redis_client.set(queue_keys(queue).failed, failed)
    for queue in ("mail", "orders"):  # Go counts from the epoch where a task does not say
        for task_id in redis_client.lrange(queue_keys(queue).pending, 0, -1):
            key = queue_keys(queue).task(task_id.decode())
            redis_client.hset(key, "pending_since", (int(time.time()) - 95) * 10**9)
    binary = installed(tmp_path_factory.getbasetemp().parent)
    asynqmon = Asynqmon(binary, f"127.0.0.1:{redis_server.port}")
    theirs = asynqmon.ask("GET", "/metrics").text
    asynqmon.stop()
    registry = CollectorRegistry()
    with Inspector(redis_url) as inspector:
        registry.register(QueueCollector(inspector))
        ours = exposition(registry).body.decode()
    return theirs, ours


def of_go(found):
    return {key: value for key, value in found.items() if "".join(key[:1])[:6] == "asynq_"}


def test_metrics_are_those_of_go(scrapes):
    theirs, ours = scrapes
    names = {name for name in shapes_of(theirs) if name.startswith("asynq_")}
    go, we = of_go(samples_of(theirs)), of_go(samples_of(ours))
    more = {key for key in we if ("state", "aggregating") in key[1]}

    assert len(names) == 7
    assert {name: shapes_of(ours)[name] for name in names} == {
        name: shapes_of(theirs)[name] for name in names
    }
    assert we.keys() - more == go.keys()
    assert len(more) == len(every_state.QUEUES)
    for key, value in go.items():
        if key[0] == PASSING:
            assert abs(we[key] - value) < MOMENT_S or dict(key[1])["queue"] == "идеи", key
        elif key[0] != ESTIMATED:
            assert we[key] == value, key
