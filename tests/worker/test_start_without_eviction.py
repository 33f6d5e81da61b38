"""A worker warns when Redis may delete what belongs to tasks."""

import pytest

from pyasynq.worker.config import ServerConfig
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.server import Server
from pyasynq.worker.start_report import eviction_warnings


@pytest.fixture
def policy(own_redis):
    client = own_redis.client()

    def set_policy(name: str, limit: str) -> None:
        client.config_set("maxmemory", limit)
        client.config_set("maxmemory-policy", name)

    yield set_policy
    client.close()


async def warnings(url, caplog):
    async with Server(url, ServerConfig()).running(ServeMux()):
        return [line for line in caplog.messages if "maxmemory" in line]


@pytest.mark.parametrize(
    ("name", "lost"),
    [
        ("allkeys-lru", "tasks in any state can be lost"),
        ("volatile-ttl", "locks of unique tasks"),
    ],
)
async def test_a_policy_that_deletes_keys_is_told_once(own_redis, policy, name, lost, caplog):
    policy(name, "100mb")

    (line,) = await warnings(own_redis.url, caplog)

    assert name in line
    assert lost in line
    assert line.endswith("set maxmemory-policy to noeviction")


@pytest.mark.parametrize(("name", "limit"), [("noeviction", "100mb"), ("allkeys-lru", "0")])
async def test_a_policy_that_deletes_nothing_is_not_told(own_redis, policy, name, limit, caplog):
    policy(name, limit)

    assert await warnings(own_redis.url, caplog) == []


async def test_a_user_that_may_not_ask_is_told_nothing(own_redis, policy, caplog):
    policy("allkeys-lru", "100mb")
    with own_redis.client() as client:
        rights = ("~*", "&*", "+@all", "-info")
        client.execute_command("ACL", "SETUSER", "worker", "on", ">pw", *rights)

    assert await warnings(f"redis://worker:pw@127.0.0.1:{own_redis.port}/0", caplog) == []


def test_each_policy_of_a_cluster_is_told_once():
    lru = {"maxmemory": "1", "maxmemory_policy": "allkeys-lru"}
    ttl = {"maxmemory": "1", "maxmemory_policy": "volatile-ttl"}

    assert len(list(eviction_warnings([lru, ttl, lru, {}]))) == 2
