"""What a server takes for empty, in any order of questions, answers and announcements."""

import pytest

from pyasynq.worker.config import ServerConfig
from pyasynq.worker.fetch import empty_queues
from pyasynq.worker.fetch.empty_queues import EmptyQueues
from tests.support.builders import make_resources
from tests.support.chaos_proxy import ChaosProxy
from tests.support.eventually import eventually_async
from tests.support.waiting import announced

QUEUES = {"one": 1, "other": 1, "third": 1}


@pytest.fixture
def proxy(redis_server, redis_url):
    with ChaosProxy(redis_server.port) as proxy:
        yield proxy


@pytest.fixture
def keys(proxy):
    resources = make_resources(url=proxy.url, config=ServerConfig(queues=QUEUES))
    return resources, {each.queue: each for each in resources.queues}


async def test_a_check_trusts_redis_although_a_queue_was_filled_before_it_was_asked_for(
    keys, proxy, redis_client
):
    resources, queues = keys
    empty = EmptyQueues(resources, known_for_s=60)
    empty.track([queues["one"], queues["other"]])
    await eventually_async(lambda: announced(redis_client) == 2)
    redis_client.lpush(queues["other"].pending, "id")
    await eventually_async(lambda: "other" not in empty.known)
    proxy.hold_answers()
    empty.track([queues["third"]])
    await eventually_async(lambda: announced(redis_client) == 2)

    empty.track([queues["other"]])
    empty._check_soon()
    proxy.release_answers()
    await eventually_async(lambda: not empty._is_check_due and "other" not in empty.known)

    assert empty.is_possible
    assert empty.known.keys() == {"one", "third"}
    await empty.close()


async def test_what_a_master_said_is_forgotten_when_it_has_become_a_replica(own_redis, monkeypatch):
    monkeypatch.setattr(empty_queues, "CHECK_S", 0.05)
    resources = make_resources(url=own_redis.url, config=ServerConfig(queues=QUEUES))
    empty = EmptyQueues(resources, known_for_s=60)
    client = own_redis.client()
    empty.track(resources.queues)
    await eventually_async(lambda: announced(client) == len(QUEUES))

    client.execute_command("REPLICAOF", "127.0.0.1", "1")  # its clients stay, and there is no link

    await eventually_async(lambda: not empty.known)
    await empty.close()
    client.close()


async def test_a_check_of_a_master_forgets_nothing(redis_url, redis_client, monkeypatch):
    monkeypatch.setattr(empty_queues, "CHECK_S", 0.01)
    resources = make_resources(url=redis_url, config=ServerConfig(queues=QUEUES))
    empty = EmptyQueues(resources, known_for_s=60)
    empty.track(resources.queues)
    calls = redis_client.info
    await eventually_async(
        lambda: calls("commandstats").get("cmdstat_zrem", {}).get("calls", 0) > 3
    )

    assert empty.known.keys() == QUEUES.keys()
    await empty.close()
