"""Fixtures for every test: a real Redis for each test process, empty for each test."""

import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import redis
from hypothesis import HealthCheck, settings

from pyasynq.broker.runners.runner import Runner
from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.client_async import AsyncClient
from pyasynq.worker import server
from tests.support.left_behind import LeftBehind
from tests.support.redis_cluster import RedisCluster
from tests.support.redis_server import RedisServer
from tests.support.workplace import Workplace

ROOT = Path(__file__).parents[1]
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


LEFT_BEHIND = LeftBehind()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(program): skipped where the program is absent")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip tests whose programs are absent; in CI that is a failure."""
    for mark in item.iter_markers("needs"):
        for program in mark.args:
            if shutil.which(program) is None:
                report = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
                report(f"{program} is absent: {INSTALL[program]}")


@pytest.fixture(scope="session", autouse=True)
def bytecode_is_kept() -> None:
    """Let the hundreds of programs that tests start compile what they import once, not each."""
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        os.environ.setdefault("PYTHONPYCACHEPREFIX", str(ROOT / ".pytest_cache" / "bytecode"))


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[object]) -> Iterator[None]:
    """What a fixture of the session starts may stay."""
    with LEFT_BEHIND.lasting() if fixturedef.scope == "session" else contextlib.nullcontext():
        return (yield)


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """The server of this test process; take `redis_url`, unless the server itself is needed."""
    redis_server = RedisServer()
    yield redis_server
    redis_server.stop()


@pytest.fixture(scope="session")
def redis_keeper(redis_server: RedisServer) -> Iterator[redis.Redis]:
    """The client that prepares the server for each test; to connect takes longer than to empty."""
    client = redis_server.client()
    yield client
    client.close()


@pytest.fixture(scope="module", autouse=True)
def nothing_left_behind(
    redis_keeper: redis.Redis, request: pytest.FixtureRequest
) -> Iterator[None]:
    """The end of each module: whatever its tests have started has ended."""
    with LEFT_BEHIND.nothing(redis_keeper, of=request.node.nodeid):
        yield


@pytest.fixture
def redis_url(redis_server: RedisServer, redis_keeper: redis.Redis) -> str:
    """URL of an empty Redis."""
    with redis_keeper.pipeline(transaction=False) as pipeline:
        pipeline.flushall().config_set("maxmemory", 0)
        pipeline.execute()
    return redis_server.url


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An absent Redis is tried once, where it is tried for as long as the default says."""
    for kind in (Runner, AsyncRunner):
        for call in (kind.run, kind.run_all):
            monkeypatch.setitem(call.__kwdefaults__, "patience_s", 0)
    monkeypatch.setattr(server, "PATIENCE_S", 0)


@pytest.fixture
def redis_client(redis_server: RedisServer, redis_url: str) -> Iterator[redis.Redis]:
    """Plain client of the same empty Redis, for looking and for preparing."""
    client = redis_server.client()
    yield client
    client.close()


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """A server of the test's own, to be killed, frozen or set up otherwise."""
    own_redis = RedisServer()
    yield own_redis
    own_redis.stop()


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
