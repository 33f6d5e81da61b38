# Generated from test_patience_async.py by tools/unasync.py: change that file.
"""For how long a client tries to reach Redis; the blocking twin of this file is generated.

The time-outs of the URLs are an hour, so a call that they decide about hangs.
"""

import threading
from contextlib import contextmanager

import pytest

from pyasynq.client import Client
from pyasynq.errors import ConfigError, RedisUnavailableError
from pyasynq.options import EnqueueOptions
from pyasynq.task import Task
from tests.support.chaos_proxy import ChaosProxy
from tests.support.clocks import StoppableClock
from tests.support.eventually import eventually
from tests.support.full_backlog import full_backlog
from tests.support.greeting import greeting_server

AN_HOUR = "connect_timeout=3600&socket_timeout=3600"
NOT_TRIED = "not tried again so soon after a failure"
TASK = Task("email")


@contextmanager
def heard_after(proxy: ChaosProxy, connections: int):
    """Let the Redis behind *proxy* come back when so many connections more have been refused."""
    until = proxy.connections + connections

    def come_back():
        eventually(lambda: proxy.connections >= until)
        proxy.hangs_up = False

    thread = threading.Thread(target=come_back)
    thread.start()
    yield
    thread.join()


@pytest.mark.parametrize("place", [greeting_server, full_backlog])
@pytest.mark.parametrize(
    ("scheme", "path"),
    [
        ("redis", "/0?"),
        ("rediss", "/0?"),
        ("redis-cluster", "?"),
        ("redis-sentinel", "/0?master=a&"),
    ],
)
def test_a_silent_redis_is_given_up_when_the_patience_is_over(place, scheme, path):
    with place() as port:
        url = f"{scheme}://127.0.0.1:{port}{path}{AN_HOUR}"
        with Client(url, enqueue_patience=0.3) as client:
            with pytest.raises(RedisUnavailableError) as caught:
                client.enqueue(TASK)

    assert caught.value.may_have_happened is False


@pytest.mark.parametrize("place", [greeting_server, full_backlog])
@pytest.mark.parametrize("patience", [0.2, 0.3])
def test_the_patience_of_a_call_wins_over_that_of_the_client(place, patience):
    with place() as port:
        url = f"redis://127.0.0.1:{port}/0?{AN_HOUR}"
        with Client(url, enqueue_patience=3600) as client:
            with pytest.raises(RedisUnavailableError):
                client.enqueue(TASK, patience=patience)
            with pytest.raises(RedisUnavailableError):
                client.enqueue_many([TASK], patience=patience)


@pytest.mark.parametrize("settings", [({}, {"patience": 0.3}), ({"enqueue_patience": 0.3}, {})])
def test_a_redis_that_becomes_silent_is_given_up_when_the_patience_is_over(
    settings, redis_server, redis_client
):
    of_client, of_call = settings
    with ChaosProxy(redis_server.port) as proxy:
        with Client(f"{proxy.url}?{AN_HOUR}", **of_client) as client:
            client.enqueue(TASK)
            proxy.hold_answers()

            with pytest.raises(RedisUnavailableError, match=r"no answer|timed out") as caught:
                client.enqueue(TASK, **of_call)

            assert caught.value.may_have_happened is True


def test_a_call_outlasts_an_outage_that_ends_within_its_patience(redis_server, redis_client):
    with ChaosProxy(redis_server.port) as proxy:
        proxy.hangs_up = True
        with Client(proxy.url, enqueue_patience=0) as client:
            with heard_after(proxy, 4):
                info = client.enqueue(TASK, patience=30)

    assert redis_client.exists(f"asynq:{{default}}:t:{info.id}")


def test_after_a_failure_calls_fail_at_once_until_one_may_try_again(redis_server, redis_client):
    clock = StoppableClock()
    with ChaosProxy(redis_server.port) as proxy:
        with Client(proxy.url, clock=clock, enqueue_patience=0.2) as client:
            proxy.hangs_up = True
            with pytest.raises(RedisUnavailableError, match="was tried"):
                client.enqueue(TASK)
            clock.stop()
            tries = proxy.connections
            proxy.hangs_up = False

            with pytest.raises(RedisUnavailableError, match=NOT_TRIED) as one:
                client.enqueue(TASK)
            with pytest.raises(RedisUnavailableError, match=NOT_TRIED) as many:
                client.enqueue_many([TASK, TASK])

            assert (one.value.may_have_happened, many.value.results) == (False, (None, None))
            assert proxy.connections == tries

            clock.advance(1)
            client.enqueue(TASK)
            client.enqueue(TASK)

    assert redis_client.llen("asynq:{default}:pending") == 2


def test_a_connection_that_is_lost_later_makes_calls_fail_at_once_as_well(
    redis_server, redis_client
):
    clock = StoppableClock()
    with ChaosProxy(redis_server.port) as proxy:
        with Client(proxy.url, clock=clock, enqueue_patience=0.2) as client:
            client.enqueue(TASK)
            proxy.hangs_up = True
            proxy.cut()
            with pytest.raises(RedisUnavailableError, match="was tried"):
                client.enqueue(TASK)
            clock.stop()
            proxy.hangs_up = False

            with pytest.raises(RedisUnavailableError, match=NOT_TRIED):
                client.enqueue(TASK)
            clock.advance(1)

            client.enqueue(TASK)


def test_a_call_that_waits_for_longer_tries_although_another_has_failed(redis_server, redis_client):
    with ChaosProxy(redis_server.port) as proxy:
        with Client(proxy.url, enqueue_patience=0.2) as client:
            proxy.hangs_up = True
            with pytest.raises(RedisUnavailableError):
                client.enqueue(TASK)
            proxy.hangs_up = False

            client.enqueue(TASK, patience=30)
            client.enqueue(TASK)


def test_without_patience_each_call_tries_once(redis_server, redis_client):
    with ChaosProxy(redis_server.port) as proxy:
        proxy.hangs_up = True
        with Client(proxy.url, enqueue_patience=0) as client:
            for _ in range(3):
                with pytest.raises(RedisUnavailableError, match="was tried once"):
                    client.enqueue(TASK)

    assert proxy.connections <= 3 * 3  # two more each, which would recognise a proxy and TLS


def test_round_trips_after_one_that_was_tried_in_vain_are_left_out(redis_server, redis_client):
    large = Task("large", b"x" * 800_000)
    with ChaosProxy(redis_server.port) as proxy:
        with Client(proxy.url, enqueue_patience=0.2) as client:
            client.enqueue(TASK)
            proxy.hangs_up = True
            proxy.cut()

            with pytest.raises(RedisUnavailableError) as caught:
                client.enqueue_many([large] * 200)

    assert caught.value.results == (None,) * 200


def test_a_wrong_setting_does_not_make_other_calls_fail(redis_server, redis_client):
    url = f"redis://late:pw@127.0.0.1:{redis_server.port}/0"
    try:
        with Client(url) as client:
            with pytest.raises(ConfigError):
                client.enqueue(TASK)
            redis_client.execute_command(
                "ACL", "SETUSER", "late", "reset", "on", ">pw", "+@all", "~*", "&*"
            )

            client.enqueue(TASK)
    finally:
        redis_client.execute_command("ACL", "DELUSER", "late")


@pytest.mark.parametrize("patience", ["5", -1, float("nan"), True])
def test_a_wrong_patience_is_told_and_nothing_is_stored(redis_url, redis_client, patience):
    with Client(redis_url) as client:
        with pytest.raises(ConfigError, match="patience"):
            client.enqueue(TASK, patience=patience)
        with pytest.raises(ConfigError, match="patience"):
            client.enqueue_many([(TASK, EnqueueOptions())], patience=patience)

    assert redis_client.dbsize() == 0
