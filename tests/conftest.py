"""Fixtures for every test: a real Redis for each test process, empty for each test."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator

import pytest
import redis
from hypothesis import HealthCheck, settings

from pyasynq.client_async import AsyncClient
from tests.support import redis_kinds
from tests.support.redis_cluster import RedisCluster
from tests.support.redis_kinds import KINDS, SINGLE, AnyRedis
from tests.support.redis_server import RedisServer
from tests.support.workplace import Workplace

INSTALL = {
    "redis-server": "install redis-server (apt install redis-server, brew install redis)",
    "go": "install Go 1.24 or newer",
    "openssl": "install openssl",
    "unshare": "install util-linux",
    "nutcracker": "install nutcracker (apt install nutcracker)",
}


# `make test` tries the same cases each time, `make test-all` others each time.
COMMON = settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("steady", COMMON, derandomize=True)
settings.register_profile("random", COMMON, derandomize=False)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


def pytest_addoption(parser: pytest.Parser) -> None:
    told = f"run only tests that talk to Redis, on one of this kind: {', '.join(KINDS)}"
    parser.addoption("--redis", choices=KINDS, help=told)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(program): skipped where the program is absent")
    config.addinivalue_line("markers", "not_on_a_cluster(why): skipped under --redis cluster")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """With --redis, leave out all tests that do not talk to it."""
    kind = config.getoption("redis")
    if kind is not None:
        others = [item for item in items if not redis_kinds.talks_to_it(item, kind)]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if redis_kinds.talks_to_it(item, kind)]


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip tests whose programs are absent, in CI that is a failure, or whose Redis is another."""
    reason = redis_kinds.reason_to_skip(item, item.config.getoption("redis") or SINGLE)
    if reason is not None:
        pytest.skip(reason)
    for mark in item.iter_markers("needs"):
        for program in mark.args:
            if shutil.which(program) is None:
                report = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
                report(f"{program} is absent: {INSTALL[program]}")


@pytest.fixture(scope="session")
def any_redis(request: pytest.FixtureRequest) -> Iterator[AnyRedis]:
    """The Redis of this test process, of the kind that --redis names; take `redis_url`."""
    started = KINDS[request.config.getoption("redis") or SINGLE]()
    yield started
    started.stop()


@pytest.fixture(scope="session")
def redis_server(any_redis: AnyRedis) -> RedisServer:
    """The same as a server; only tests that are about the server itself take it."""
    assert isinstance(any_redis, RedisServer)
    return any_redis


@pytest.fixture
def redis_url(any_redis: AnyRedis) -> str:
    """URL of an empty Redis."""
    client = any_redis.client()
    client.flushall()
    client.config_set("maxmemory", 0)
    client.close()
    return any_redis.url


@pytest.fixture
def redis_client(any_redis: AnyRedis, redis_url: str) -> Iterator[redis.Redis]:
    """Plain client of the same empty Redis, for looking and for preparing."""
    client = any_redis.client()
    yield client
    client.close()


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """A server of the test's own, to be killed, frozen or set up otherwise."""
    server = RedisServer()
    yield server
    server.stop()


@pytest.fixture
async def work(redis_url: str, redis_client: redis.Redis) -> AsyncIterator[Workplace]:
    """The same empty Redis with a client and, as needed, quick servers."""
    async with AsyncClient(redis_url) as client:
        yield Workplace(redis_url, client, redis_client)


@pytest.fixture(scope="module")
def started_cluster():
    cluster = RedisCluster()
    yield cluster
    cluster.stop()


@pytest.fixture
def cluster(started_cluster):
    client = started_cluster.client()
    client.flushall()
    client.close()
    return started_cluster
