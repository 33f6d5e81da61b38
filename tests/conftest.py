"""Fixtures for every test: a real Redis for each test process, empty for each test."""

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import redis
from hypothesis import HealthCheck, settings

from pyasynq.broker.runners.runner import Runner
from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.client_async import AsyncClient
from pyasynq.worker import server
from pyasynq.worker.groups import aggregator
from tests.support import redis_kinds
from tests.support.certificates import Certificates, make_certificates
from tests.support.left_behind import LeftBehind
from tests.support.programs import found
from tests.support.redis_cluster import RedisCluster
from tests.support.redis_kinds import KINDS, SINGLE, AnyRedis
from tests.support.redis_sentinel import PASSWORD, SENTINEL_PASSWORD, RedisSentinel
from tests.support.redis_server import RedisServer
from tests.support.tls_servers import TlsServer
from tests.support.workplace import GROUPS_EVERY_S, Workplace

ROOT = Path(__file__).parents[1]


# `make test` tries the same cases each time, `make test-all` more of them, and others each time.
COMMON = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("steady", COMMON, derandomize=True, max_examples=300)
settings.register_profile("random", COMMON, derandomize=False, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


LEFT_BEHIND = LeftBehind()


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
            found(program)


@pytest.fixture(scope="session", autouse=True)
def bytecode_is_kept() -> None:
    """Let the hundreds of programs that tests start compile what they import once, not each."""
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", ""):
        os.environ.setdefault("PYTHONPYCACHEPREFIX", str(ROOT / ".pytest_cache" / "bytecode"))


@pytest.fixture(scope="session")
def any_redis(request: pytest.FixtureRequest) -> Iterator[AnyRedis]:
    """The Redis of this test process, of the kind that --redis names; take `redis_url`."""
    with LEFT_BEHIND.lasting():
        started = KINDS[request.config.getoption("redis") or SINGLE]()
    yield started
    started.stop()


@pytest.fixture(scope="session")
def redis_server(any_redis: AnyRedis) -> RedisServer:
    """The same as a server; only tests that are about the server itself take it."""
    assert isinstance(any_redis, RedisServer)
    return any_redis


@pytest.fixture(scope="session")
def redis_keeper(any_redis: AnyRedis) -> Iterator[redis.Redis]:
    """The client that prepares Redis for each test; to connect takes longer than to empty it."""
    client = any_redis.client()
    yield client
    client.close()


@pytest.fixture(scope="module", autouse=True)
def nothing_left_behind(request: pytest.FixtureRequest) -> Iterator[None]:
    """The end of each module: whatever its tests have started has ended."""
    # Not as an argument: this is for all tests, and says nothing about which Redis they talk to.
    if not isinstance(request.getfixturevalue("any_redis"), RedisServer):
        yield
        return
    keeper = request.getfixturevalue("redis_keeper")
    with LEFT_BEHIND.nothing(keeper, of=request.node.nodeid):
        yield


@pytest.fixture
def redis_url(any_redis: AnyRedis, redis_keeper: redis.Redis) -> str:
    """URL of an empty Redis."""
    redis_keeper.flushall()
    redis_keeper.config_set("maxmemory", 0)
    return any_redis.url


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An absent Redis is tried once, where it is tried for as long as the default says."""
    for kind in (Runner, AsyncRunner):
        for call in (kind.run, kind.run_all):
            monkeypatch.setitem(call.__kwdefaults__, "patience_s", 0)
    monkeypatch.setattr(server, "PATIENCE_S", 0)


@pytest.fixture
def redis_client(any_redis: AnyRedis, redis_url: str) -> Iterator[redis.Redis]:
    """Plain client of the same empty Redis, for looking and for preparing."""
    client = any_redis.client()
    yield client
    client.close()


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """A server of the test's own, to be killed, frozen or set up otherwise."""
    own_redis = RedisServer()
    yield own_redis
    own_redis.stop()


@pytest.fixture
async def work(
    redis_url: str, redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Workplace]:
    """The same empty Redis with a client and, as needed, quick servers."""
    monkeypatch.setattr(aggregator, "LONGEST_INTERVAL_S", GROUPS_EVERY_S)
    async with AsyncClient(redis_url) as client:
        yield Workplace(redis_url, client, redis_client)


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Files of an authority, of a server and of clients; needs `openssl`."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def tls_server(certificates: Certificates) -> Iterator[TlsServer]:
    """A server with TLS that demands certificates of clients; needs `redis-server`."""
    with LEFT_BEHIND.lasting():
        server = TlsServer(certificates)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def lasting_cluster():
    """Three primaries; nodes accept writes only two seconds after their start, so one for all."""
    with LEFT_BEHIND.lasting():
        cluster = RedisCluster()
    yield cluster
    cluster.stop()


@pytest.fixture(scope="module")
def started_cluster(lasting_cluster):
    """The same, as a module wants to find it: a test that kills nodes starts a cluster itself."""
    lasting_cluster.until_whole()
    return lasting_cluster


@pytest.fixture
def cluster(started_cluster):
    """Three empty primaries."""
    client = started_cluster.client()
    client.flushall()
    client.close()
    return started_cluster


@pytest.fixture(scope="session")
def started_sentinels():
    with LEFT_BEHIND.lasting():
        sentinels = RedisSentinel(
            replicas=2, sentinels=3, password=PASSWORD, sentinel_password=SENTINEL_PASSWORD
        )
    yield sentinels
    sentinels.stop()


@pytest.fixture
def sentinels(started_sentinels):
    """Three sentinels, an empty master and two replicas, with passwords."""
    started_sentinels.until_settled()
    with started_sentinels.master.client() as client:
        client.flushall()
    return started_sentinels
