"""What a server takes for empty, in any order of questions, answers and announcements."""

import pytest

from pyasynq.worker.config import ServerConfig
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
