"""The state that makes the recoverer of Go fail for ever is healed, on one node and on a cluster.

A message that decodes to nothing has neither queue nor ID, and Go builds its keys from the
message: `asynq:{}:t:` and `asynq:{}:active`. Braces around nothing are no hash tag, so a cluster
refuses the script; a single server finds nothing there. Either way the task stays where it is.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from pyasynq.worker.config import ServerConfig
from pyasynq.worker.counters import Count
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.server import Server
from tests.interop.peer import Peer
from tests.support.builders import make_data
from tests.support.eventually import eventually_async
from tests.support.redis_cluster import RedisCluster
from tests.support.workplace import QUICK

NAMELESS = {"empty": b"", "of fields nobody knows": b"\xfa\x01\x01x"}
CANNOT_ARCHIVE = "recoverer: could not move task to archive: INTERNAL_ERROR: redis eval error: "

pytestmark = pytest.mark.slow


@dataclass
class Site:
    """A Redis of either kind, with both languages on it."""

    url: str
    redis: Any
    peer: Peer
    refusal: str


@pytest.fixture(params=["single", "cluster"])
def site(request, peer_binary, tmp_path) -> Iterator[Site]:
    if request.param == "single":
        server = request.getfixturevalue("redis_server")
        url, address = request.getfixturevalue("redis_url"), f"127.0.0.1:{server.port}"
        client, refusal = server.client(), "NOT FOUND"
    else:
        cluster: RedisCluster = request.getfixturevalue("started_cluster")
        url, client, refusal = cluster.url, cluster.client(), "CROSSSLOT"
        address = ",".join(f"127.0.0.1:{node.port}" for node in cluster.nodes)
        client.flushall()
    peer = Peer(peer_binary, address, tmp_path)
    with contextlib.closing(client):
        yield Site(url, client, peer, refusal)
        peer.close()


def leave(client: Any, task_id: str, data: bytes, expiry_s: int) -> None:
    """Leave an active task behind whose lease has expired."""
    client.hset(f"asynq:{{default}}:t:{task_id}", mapping={"msg": data, "state": "active"})
    client.lpush("asynq:{default}:active", task_id)
    client.zadd("asynq:{default}:lease", {task_id: expiry_s})


async def warnings_of_go(site: Site, task_id: str) -> list[str]:
    """Let Go recover once; a sound task, the last in its order, shows when it is done."""
    leave(site.redis, task_id, make_data(id=task_id, queue="default"), 2)
    worker = await site.peer.serve(command="recover")
    await eventually_async(lambda: site.redis.zscore("asynq:{default}:retry", task_id))
    worker.kill()
    return [line["text"] for line in worker.printed]


async def test_messages_without_names_that_go_fails_on_for_ever_are_healed(site):
    for task_id, data in NAMELESS.items():
        leave(site.redis, task_id, data, 1)

    first = await warnings_of_go(site, "sound 1")
    second = await warnings_of_go(site, "sound 2")
    assert site.redis.llen("asynq:{default}:active") == len(NAMELESS)
    server = Server(site.url, ServerConfig(**QUICK))
    async with server.running(ServeMux()):
        await eventually_async(server.counters.all)
    after = await warnings_of_go(site, "sound 3")

    assert [len(first), len(second), len(after)] == [2, 2, 0]
    assert all(line.startswith(CANNOT_ARCHIVE + site.refusal) for line in first + second)
    assert server.counters.all() == [
        Count("recovered", "default", "archived", 1),
        Count("recovered", "default", "dropped", 1),
    ]
    assert site.redis.exists("asynq:{default}:active", "asynq:{default}:lease") == 0
    assert site.redis.zrange("asynq:{default}:archived", 0, -1) == [b"of fields nobody knows"]
    assert site.redis.exists("asynq:{default}:t:empty") == 0


async def test_tasks_without_a_lease_or_an_active_entry_are_healed_on_either_kind(site):
    """Go never looks at the first, and warns of the second at every pass."""
    for task_id in ("no lease", "no entry"):
        leave(site.redis, task_id, make_data(id=task_id, queue="default"), 1)
    site.redis.zrem("asynq:{default}:lease", "no lease")
    site.redis.lrem("asynq:{default}:active", 1, "no entry")

    warnings = await warnings_of_go(site, "sound")
    server = Server(site.url, ServerConfig(**QUICK))
    async with server.running(ServeMux()):
        await eventually_async(lambda: site.redis.zcard("asynq:{default}:retry") == 3)

    assert [line.endswith("redis eval error: NOT FOUND") for line in warnings] == [True]
    kinds = {count.kind: count.value for count in server.counters.all()}
    assert kinds == {"leased": 1, "restored": 1, "retried": 2}
