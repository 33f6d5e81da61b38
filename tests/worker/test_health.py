"""`Server.health`: what a server and its parts know of themselves, as checks."""

from datetime import UTC, datetime, timedelta

import pytest

from pyasynq.errors import ConfigError, IncompatibleRedisError, RedisUnavailableError
from pyasynq.lifecycle.health import Condition, Health, HealthCheck
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.redis_fault import redis_fault
from pyasynq.worker.server import Server
from tests.support.chaos_proxy import ChaosProxy
from tests.support.clocks import WrongClock
from tests.support.eventually import eventually_async
from tests.support.workplace import QUICK

CALM = {**QUICK, "heartbeat_interval": 0.2, "lease_duration": 30}
NAMES = ["fetching", "started", "loop", "redis", "heartbeat", "subscribed", "slots"]


def failing(server) -> dict[str, str]:
    return {each.name: each.detail for each in server.health().checks if not each.ok}


def check(server, name) -> HealthCheck:
    return next(each for each in server.health().checks if each.name == name)


async def test_each_check_tells_since_when_it_passes(work):
    server = work.server(**CALM)
    began = datetime.now(UTC)
    before = [each.name for each in server.health().checks]

    async with server.running(ServeMux()):
        health = server.health()
        now = datetime.now(UTC)

    assert before == ["fetching", "started"]
    assert [each.name for each in health.checks] == NAMES
    assert health.is_ready
    assert all(began - timedelta(seconds=5) < each.since <= now for each in health.checks)


async def test_a_start_tells_what_it_waits_for(redis_url):
    seen = []

    class Lifespan:
        async def __aenter__(self):
            seen.append(server.why_not_ready)

        async def __aexit__(self, *_error):
            seen.append(server.why_not_ready)

    server = Server(redis_url, ServerConfig(**QUICK), lifespan=Lifespan)
    async with server.running(ServeMux()):
        pass

    assert seen == ["it has not started: its lifespan goes on", "it shuts down"]


async def test_only_the_connection_of_the_subscriber_is_cut(own_redis):
    with ChaosProxy(own_redis.port) as proxy, own_redis.client() as client:
        server = Server(proxy.url, ServerConfig(**CALM))
        async with server.running(ServeMux()):
            await eventually_async(lambda: client.pubsub_numsub("asynq:cancel")[0][1] == 1)
            proxy.refuse()  # what is open goes on: only who connects again fails
            client.client_kill_filter(_type="pubsub")
            await eventually_async(lambda: "subscribed" in failing(server))
            cut = failing(server)
            proxy.accept()
            await eventually_async(lambda: server.is_ready)

    assert cut == {"subscribed": "cancellations do not arrive: it is not subscribed"}


async def test_a_redis_without_the_right_to_subscribe_makes_nobody_unready(own_redis):
    with own_redis.client() as client:
        client.execute_command("ACL", "SETUSER", "default", "-subscribe")
    server = Server(own_redis.url, ServerConfig(**CALM))

    async with server.running(ServeMux()):
        await eventually_async(lambda: check(server, "subscribed").detail)
        found = check(server, "subscribed")

    assert found.ok
    assert found.detail == "redis does not let it listen, so cancellations do not arrive"
    assert server.health().checks[0].detail == "it shuts down"


async def test_a_replica_makes_it_unready_and_a_full_memory_does_not(own_redis):
    server = Server(own_redis.url, ServerConfig(**CALM))

    async with server.running(ServeMux()):
        with own_redis.client() as client:
            client.replicaof("127.0.0.1", str(own_redis.port))
            await eventually_async(lambda: not check(server, "redis").ok)
            replica = failing(server)["redis"]
            client.replicaof("NO", "ONE")
            await eventually_async(lambda: server.is_ready)
            client.delete("asynq:servers")
            client.config_set("maxmemory", 1)
            await eventually_async(lambda: client.exists("asynq:servers"))
            is_ready_when_full = server.is_ready
            client.config_set("maxmemory", 0)

    assert replica == "redis is a replica and takes no writes"
    assert is_ready_when_full  # what is stored is worked on, which frees memory


async def test_a_server_that_tools_may_not_see_is_ready_and_says_so(own_redis):
    server = Server(own_redis.url, ServerConfig(**CALM))

    async with server.running(ServeMux()):
        with own_redis.client() as client:
            client.execute_command("ACL", "SETUSER", "default", "resetkeys", "~asynq:{default}*")
            await eventually_async(lambda: check(server, "heartbeat").detail)
            hidden, is_ready = check(server, "heartbeat").detail, server.is_ready
            client.execute_command("ACL", "SETUSER", "default", "allkeys")
            await eventually_async(lambda: not check(server, "heartbeat").detail)

    assert hidden == "redis does not let tools see this server, which works; its log tells why"
    assert is_ready


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (None, "redis does not answer"),
        (RedisUnavailableError("redis is not available: refused"), "redis does not answer"),
        (RedisUnavailableError("LOADING Redis is loading"), "redis is loading its data"),
        (
            RedisUnavailableError("MISCONF Redis is configured to save"),
            "redis cannot save its data and takes no writes",
        ),
        (ConfigError("WRONGPASS ann:secret"), "redis refuses this server; its log tells why"),
        (
            IncompatibleRedisError("no scripts"),
            "redis refuses what this server needs; its log tells why",
        ),
    ],
)
def test_no_error_is_repeated_in_a_reason(error, words):
    assert redis_fault(error) == words


def test_a_condition_keeps_since_when_it_fails_although_the_reason_changes():
    clock = WrongClock()
    condition = Condition("redis", clock)
    first = condition.check
    clock.jump(10)
    condition.passes()
    unchanged = condition.check
    condition.fails("a")
    began = condition.check.since
    clock.jump(10)
    condition.fails("b")

    assert unchanged == first
    assert began - first.since >= timedelta(seconds=10)
    assert condition.check == HealthCheck(name="redis", ok=False, since=began, detail="b")


def test_the_first_check_that_fails_is_the_reason():
    now = datetime(2026, 1, 1, tzinfo=UTC)
    checks = [
        HealthCheck(name=name, ok=ok, since=now, detail=name)
        for name, ok in (("a", True), ("b", False), ("c", False))
    ]

    health = Health(checks=tuple(checks))

    assert (health.is_ready, health.why_not_ready) == (False, "b")
    assert (health + health).checks == (*checks, *checks)
    assert Health(checks=()).is_ready
