"""Fixtures for every test: a real Redis for each test process, empty for each test."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator

import pytest
import redis
from hypothesis import HealthCheck, settings

from pyasynq.client_async import AsyncClient
from tests.support.certificates import Certificates, make_certificates
from tests.support.redis_cluster import RedisCluster
from tests.support.redis_server import RedisServer
from tests.support.tls_servers import TlsServer
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


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(program): skipped where the program is absent")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip tests whose programs are absent; in CI that is a failure."""
    for mark in item.iter_markers("needs"):
        for program in mark.args:
            if shutil.which(program) is None:
                report = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
                report(f"{program} is absent: {INSTALL[program]}")


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """The server of this test process; take `redis_url`, unless the server itself is needed."""
    server = RedisServer()
    yield server
    server.stop()


@pytest.fixture
def redis_url(redis_server: RedisServer) -> str:
    """URL of an empty Redis."""
    client = redis_server.client()
    client.flushall()
    client.config_set("maxmemory", 0)
    client.close()
    return redis_server.url


@pytest.fixture
def redis_client(redis_server: RedisServer, redis_url: str) -> Iterator[redis.Redis]:
    """Plain client of the same empty Redis, for looking and for preparing."""
    client = redis_server.client()
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


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Files of an authority, of a server and of clients; needs `openssl`."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def tls_server(certificates: Certificates) -> Iterator[TlsServer]:
    """A server with TLS that demands certificates of clients; needs `redis-server`."""
    server = TlsServer(certificates)
    yield server
    server.stop()


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
