"""Runners on a real Redis; the blocking twin of this file is generated."""

import re
from contextlib import contextmanager

import pytest

from pyasynq.broker.operation import Operation, Repeat, Script, ignore
from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.clock import NANOSECONDS, SystemClock
from pyasynq.connection.connector import Connector
from pyasynq.errors import (
    ConfigError,
    IncompatibleRedisError,
    PyasynqError,
    RedisUnavailableError,
)
from tests.support.chaos_proxy import ChaosProxy

ADD = Script.of("add", "return redis.call('INCRBY', KEYS[1], ARGV[1])")
DOUBLE = Script.of("double", "return redis.call('INCRBY', KEYS[1], 2 * ARGV[1])")


def make_runner(url):
    return AsyncRunner(Connector.of(url).open_async(), clock=SystemClock())


def add(amount, *, script=ADD, repeat=Repeat.SAFE, **more):
    return Operation(script, ("counter",), (amount,), int, repeat, **more)


def command(name, *args, repeat=Repeat.SAFE):
    return Operation(name, (), args, ignore, repeat)


@contextmanager
def refusing(url):
    """A port on which nobody listens."""
    with ChaosProxy(0) as proxy:
        proxy.refuse()
        yield proxy.url


async def test_a_script_that_redis_does_not_know_is_sent_whole_for_just_that_item(
    redis_url, redis_client
):
    runner = make_runner(redis_url)
    redis_client.script_flush()
    await runner.run(add(1))
    redis_client.config_resetstat()

    answers = await runner.run_all([add(10), add(100, script=DOUBLE), add(1000)])

    calls = redis_client.info("commandstats")
    assert answers == [11, 1211, 1011]  # the unknown one ran last
    assert (calls["cmdstat_evalsha"]["calls"], calls["cmdstat_eval"]["calls"]) == (3, 1)
    await runner.close()


async def test_a_flushed_script_cache_is_not_a_fault(redis_url, redis_client):
    runner = make_runner(redis_url)
    await runner.run(add(1))
    redis_client.script_flush()

    assert await runner.run(add(1)) == 2
    await runner.close()


async def test_an_item_that_fails_leaves_the_others_their_results(redis_url, redis_client):
    redis_client.set("text", "no number")
    runner = make_runner(redis_url)
    wrong = Operation("INCR", ("text",), (), int, Repeat.SAFE)

    first, second, third = await runner.run_all([add(1), wrong, add(1)])

    assert (first, third) == (1, 2)
    assert isinstance(second, PyasynqError)
    assert "redis refuses INCR" in str(second)
    await runner.close()


@pytest.mark.parametrize("where", ["script", "command"])
async def test_a_key_of_another_type_is_named_with_the_remedy(redis_url, redis_client, where):
    redis_client.set("text", "no list")
    push = Script.of("push", "return redis.call('LPUSH', KEYS[2], 'a')")
    operations = {
        "script": Operation(push, ("{text}:counter", "text"), (), int, Repeat.SAFE),
        "command": Operation("LPUSH", ("text",), ("a",), int, Repeat.SAFE),
    }
    runner = make_runner(redis_url)

    with pytest.raises(PyasynqError) as caught:
        await runner.run(operations[where])

    wrong = "WRONGTYPE Operation against a key holding the wrong kind of value"
    assert (
        str(caught.value)
        == {
            "script": f"redis refuses push: {wrong}; one of these keys has a wrong type: "
            "{text}:counter, text, the key of a task; delete or rename it",
            "command": f"redis refuses LPUSH: {wrong}; one of these keys has a wrong type: "
            "text; delete or rename it",
        }[where]
    )
    await runner.close()


async def test_an_error_of_the_decoder_is_the_result_of_its_item(redis_url):
    def refuse(reply):
        raise ConfigError(f"not {reply}")

    runner = make_runner(redis_url)
    refused = Operation(ADD, ("counter",), (1,), refuse, Repeat.SAFE)

    first, second = await runner.run_all([refused, add(1)])

    assert (str(first), second) == ("not 1", 2)
    with pytest.raises(ConfigError, match="not 3"):
        await runner.run(refused)
    await runner.close()


async def test_an_unreachable_redis_is_tried_once_without_patience(redis_url):
    with refusing(redis_url) as url:
        runner = make_runner(url)
        with pytest.raises(RedisUnavailableError, match=r"; add was tried once$") as caught:
            await runner.run(add(1), patience_s=0)

    assert caught.value.may_have_happened is False
    await runner.close()


async def test_an_unreachable_redis_is_tried_until_patience_ends(redis_url):
    with refusing(redis_url) as url:
        runner = make_runner(url)
        with pytest.raises(RedisUnavailableError) as caught:
            await runner.run(add(1), patience_s=0.3)

    assert re.search(r"; add was tried \d+ times; is Redis running there", str(caught.value))
    await runner.close()


async def test_a_lost_answer_is_asked_for_again_when_the_operation_allows_it(
    redis_server, redis_client
):
    with ChaosProxy(redis_server.port) as proxy:
        runner = make_runner(proxy.url)
        await runner.run(add(1))
        proxy.cut_after = b"counter"

        answer = await runner.run(
            add(1, repeat=Repeat.BY_TOKEN, decode_repeated=lambda reply: ("again", reply))
        )

        assert (answer, proxy.cuts) == (("again", 3), 1)
        await runner.close()


async def test_a_lost_answer_is_reported_when_the_operation_must_not_be_repeated(
    redis_server, redis_client
):
    with ChaosProxy(redis_server.port) as proxy:
        runner = make_runner(proxy.url)
        await runner.run(add(1))
        proxy.cut_after = b"counter"

        with pytest.raises(RedisUnavailableError) as caught:
            await runner.run(add(1, repeat=Repeat.NEVER))

        assert caught.value.may_have_happened is True
        assert redis_client.get("counter") == b"2"
        await runner.close()


async def test_a_lost_answer_to_a_read_is_not_reported_as_a_write(redis_server, redis_client):
    with ChaosProxy(redis_server.port) as proxy:
        runner = make_runner(proxy.url)
        await runner.measure_clock()
        proxy.cut_after = b"counter"

        with pytest.raises(RedisUnavailableError, match=r"; EXISTS was tried once$") as caught:
            await runner.run(Operation("EXISTS", ("counter",), (), bool, Repeat.SAFE), patience_s=0)

        assert caught.value.may_have_happened is False
        await runner.close()


async def test_wrong_credentials_fail_at_once_and_do_not_show_the_password(
    redis_server, redis_client
):
    runner = make_runner(f"redis://nobody:pssst@127.0.0.1:{redis_server.port}")

    with pytest.raises(ConfigError, match="refuses the user or the password") as caught:
        await runner.run(add(1), patience_s=None)

    assert "pssst" not in str(caught.value)
    await runner.close()


async def test_missing_rights_and_unknown_commands_name_the_way_out(redis_server, redis_client):
    redis_client.execute_command(
        "ACL", "SETUSER", "reader", "reset", "on", ">pw", "+client|setname", "~*"
    )
    runner = make_runner(f"redis://reader:pw@127.0.0.1:{redis_server.port}")
    try:
        with pytest.raises(IncompatibleRedisError, match="more rights") as caught:
            await runner.run(add(1))
    finally:
        redis_client.execute_command("ACL", "DELUSER", "reader")
        await runner.close()

    assert caught.value.needed == "scripts"


async def test_a_command_that_redis_does_not_have_is_named(redis_url):
    runner = make_runner(redis_url)

    with pytest.raises(IncompatibleRedisError, match="does not know what NOSUCHTHING needs"):
        await runner.run(command("NOSUCHTHING", "x"))

    await runner.close()


async def test_a_full_redis_is_reported_as_full(redis_url, redis_client):
    runner = make_runner(redis_url)
    redis_client.config_set("maxmemory", 1)
    try:
        with pytest.raises(PyasynqError, match="out of memory and refuses SET"):
            await runner.run(command("SET", "key", "value"))
    finally:
        redis_client.config_set("maxmemory", 0)
        await runner.close()


async def test_the_clock_learns_the_time_of_redis(redis_url):
    clock = SystemClock()
    runner = AsyncRunner(Connector.of(redis_url).open_async(), clock=clock)
    clock.observe(sent_ns=0, received_ns=0, redis_ns=10**15)

    assert await runner.measure_clock()
    assert abs(clock.redis_now_ns() - clock.now_ns()) < NANOSECONDS  # the same machine
    await runner.close()


@pytest.mark.not_on_a_cluster("counts the connections to one server")
async def test_one_client_error_does_not_break_the_connection(redis_url, redis_client):
    runner = make_runner(redis_url)
    await runner.run(add(1))
    before = redis_client.info("clients")["connected_clients"]
    for _ in range(5):
        with pytest.raises(PyasynqError):
            await runner.run(command("INCR"))

    assert await runner.run(add(1)) == 2
    assert redis_client.info("clients")["connected_clients"] == before
    await runner.close()
