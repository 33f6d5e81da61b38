"""A new connection introduces itself, and finds out whether there is a proxy that minds that."""

import pytest

from pyasynq.broker.operations import inspection, redis_info
from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.clock import SystemClock
from pyasynq.connection.connector import Connector
from pyasynq.errors import ConfigError, IncompatibleRedisError, RedisUnavailableError
from tests.support.chaos_proxy import ChaosProxy
from tests.support.redis_server import RedisServer
from tests.support.twemproxy import Twemproxy


@pytest.fixture(scope="module")
def twemproxy():
    proxy = Twemproxy()
    yield proxy
    proxy.stop()


async def answers(connector: Connector, *operations, patience_s: float = 5.0):
    """Run operations over new connections."""
    runner = AsyncRunner(connector.open_async(), clock=SystemClock())
    try:
        return await runner.run_all([redis_info.PING, *operations], patience_s=patience_s)
    finally:
        await runner.close()


async def test_a_redis_is_sent_its_name_and_nothing_else(own_redis):
    with own_redis.client() as admin:
        admin.config_resetstat()
        await answers(Connector.of(f"{own_redis.tcp_url}"))
        calls = {name: each["calls"] for name, each in admin.info("commandstats").items()}

    # Redis 6 counts what belongs to a command with it.
    named = calls.get("cmdstat_client|setname", calls.get("cmdstat_client"))
    assert named == 1
    assert calls["cmdstat_ping"] == 1
    assert not {"cmdstat_eval", "cmdstat_hello", "cmdstat_select"} & calls.keys()


@pytest.mark.needs("nutcracker")
@pytest.mark.parametrize("query", ["", "?proxy=yes", "?client_name=somebody"])
async def test_a_proxy_is_found_when_it_closes_the_first_connection(twemproxy, query):
    connector = Connector.of(twemproxy.url + query)

    pong, info, queues = await answers(
        connector, redis_info.redis_info(), inspection.list_queues("asynq")
    )

    assert connector.is_proxied
    assert (pong, queues) == (None, [])
    assert "redis_version" in info


@pytest.mark.needs("nutcracker")
async def test_what_a_proxy_refuses_costs_no_other_call_its_answer(twemproxy):
    pong, slots, found = await answers(
        Connector.of(twemproxy.url), redis_info.slots(), redis_info.exists_any(["a", "b"])
    )

    assert pong is None
    assert isinstance(slots, IncompatibleRedisError)
    assert found is False


@pytest.mark.needs("nutcracker")
async def test_a_proxy_without_hash_tags_is_refused_with_the_way_out():
    proxy = Twemproxy(hash_tag="")
    try:
        found = await answers(Connector.of(proxy.url))
    finally:
        proxy.stop()

    assert isinstance(found[0], IncompatibleRedisError)
    assert "does not honour hash tags" in str(found[0])
    assert 'hash_tag: "{}"' in str(found[0])


@pytest.mark.needs("nutcracker")
async def test_a_proxy_has_one_database(twemproxy):
    (found,) = await answers(Connector.of(twemproxy.url.removesuffix("/0") + "/2"))

    assert isinstance(found, ConfigError)
    assert "database 0" in str(found)


@pytest.mark.parametrize("database", ["0", "3"])
async def test_a_connection_lost_during_the_login_is_no_proxy(redis_server, redis_url, database):
    with ChaosProxy(redis_server.port) as proxy:
        connector = Connector.of(f"redis://127.0.0.1:{proxy.port}/{database}")
        proxy.cut_after = b"SETNAME"
        found = await answers(connector)

    assert not connector.is_proxied
    assert found == [None]


async def test_a_redis_that_is_gone_is_no_proxy(own_redis):
    connector = Connector.of(own_redis.tcp_url)
    own_redis.kill()

    (found,) = await answers(connector, patience_s=0.0)

    assert isinstance(found, RedisUnavailableError)
    assert not connector.is_proxied


@pytest.mark.parametrize("settings", [("--rename-command", "CLIENT", ""), ()])
async def test_a_redis_that_takes_no_name_is_used_without_one(settings):
    server = RedisServer(*settings)
    try:
        with server.client() as admin:
            rights = ("~*", "&*", "+@all", "-client")
            if not settings:
                admin.execute_command("ACL", "SETUSER", "me", "on", ">pw", *rights)
        user = "" if settings else "me:pw@"
        connector = Connector.of(f"redis://{user}127.0.0.1:{server.port}/3")
        found = await answers(connector)
    finally:
        server.stop()

    assert found == [None]
    assert not connector.is_proxied
