"""The connections to the nodes of a cluster, as asyncio uses them."""

import asyncio
import os
import signal

import pytest
from redis.crc import key_slot

from pyasynq.connection.connector import Connector
from pyasynq.connection.transport.multiplexed import MultiplexedConnection
from pyasynq.connection.transport.nodes_async import AsyncNodes
from pyasynq.connection.transport.replies import Trouble
from tests.support.eventually import eventually_async
from tests.support.redis_cluster import call
from tests.support.redis_server import RedisServer

KEYS = ("{a}", "{b}", "{c}")  # one on each node
GETS = [("GET", key) for key in KEYS]


@pytest.fixture
async def nodes(cluster):
    client = Connector.of(cluster.url + "?socket_timeout=0.3").open_async()
    nodes = AsyncNodes(client, MultiplexedConnection)
    assert await nodes.exchange(KEYS, GETS) == [None] * 3
    yield nodes
    await nodes.close()
    await client.aclose()


async def test_many_first_calls_ask_for_the_slots_once(cluster):
    for node in cluster.nodes:
        call(node, "CONFIG RESETSTAT")
    client = Connector.of(cluster.url).open_async()
    nodes = AsyncNodes(client, MultiplexedConnection)

    found = await asyncio.gather(*(nodes.exchange(KEYS, GETS) for _ in range(50)))
    asked = sum(call(node, "INFO commandstats").count(b"cluster|slots") for node in cluster.nodes)
    await nodes.close()
    await client.aclose()

    assert found == [[None] * 3] * 50
    assert asked == 1


async def test_a_node_that_fell_silent_is_left_out_until_it_answers_again(nodes, cluster):
    silent = cluster.nodes[cluster.owner_at_first(key_slot(KEYS[0].encode()))]
    os.kill(silent.pid, signal.SIGSTOP)
    try:
        first = await nodes.exchange(KEYS, GETS)
        second = await nodes.exchange(KEYS, GETS)
    finally:
        os.kill(silent.pid, signal.SIGCONT)
    await eventually_async(lambda: all(each.is_over for each in nodes._silent.values()))
    third = await nodes.exchange(KEYS, GETS)

    assert [type(each) for each in first] == [Trouble, type(None), type(None)]
    assert (str(first[0]), first[0].was_sent) == ("no answer within 0.3 s", True)
    assert second[1:] == [None, None]
    assert (str(second[0]), second[0].was_sent) == (f"127.0.0.1:{silent.port} is silent", False)
    assert third == [None] * 3


async def test_connections_to_a_node_that_has_left_are_closed(nodes, cluster):
    kept, left = cluster.nodes[:2]
    rows = [[0, 16_383, [b"127.0.0.1", kept.port, b"id", []]]]
    before = [_connections(node) for node in (kept, left)]

    nodes._cluster.slots.take(("127.0.0.1", kept.port), rows)  # as if the others had left
    await nodes.exchange([None], [("PING",)])
    await eventually_async(lambda: _connections(left) == 0)

    assert before == [1, 1]
    assert _connections(kept) == 1


def _connections(node: RedisServer) -> int:
    return call(node, "CLIENT LIST").count(b"name=pyasynq")
