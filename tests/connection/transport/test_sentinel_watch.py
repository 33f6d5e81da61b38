"""Connections follow the master: events, sentinels that are wrong or late, threads that end."""

import asyncio
import inspect
import logging
import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec import structs
from redis.asyncio import Redis

from pyasynq.broker.operation import Operation, Repeat
from pyasynq.broker.runners.runner import Runner
from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.clock import SystemClock
from pyasynq.connection.connector import Connector
from pyasynq.connection.transport import sentinel as sentinel_module
from pyasynq.connection.transport import sentinel_watch
from pyasynq.connection.transport.sentinel_answers import MOVED, PROMOTED
from pyasynq.connection.transport.sentinel_search import MasterSearch
from pyasynq.errors import RedisUnavailableError
from pyasynq.lifecycle.shutdown import cancel_all
from tests.support.eventually import eventually, eventually_async
from tests.support.ports import free_port
from tests.support.redis_server import RedisServer
from tests.support.scripted_sentinel import NAME, ScriptedSentinel

PUSH: Operation[int] = Operation("RPUSH", ("list",), ("1",), int, Repeat.SAFE)
THREAD = "pyasynq sentinels"


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[RedisServer, RedisServer]]:
    at_once = "--repl-diskless-sync-delay", "0"
    pair = RedisServer(*at_once), RedisServer(*at_once)
    yield pair
    for server in pair:
        server.stop()


@pytest.fixture
def old_and_new(servers) -> tuple[RedisServer, RedisServer]:
    eventually(lambda: not threads())  # of the test before
    for server in servers:
        with server.client() as client:
            client.replicaof("NO", "ONE")
            client.flushall()
    return servers


@pytest.fixture
def old(old_and_new) -> RedisServer:
    return old_and_new[0]


@pytest.fixture
def new(old_and_new) -> RedisServer:
    return old_and_new[1]


def url_of(*sentinels: ScriptedSentinel) -> str:
    return f"redis-sentinel://{','.join(each.address for each in sentinels)}/0?master={NAME}"


def pushed(server: RedisServer) -> int:
    with server.client() as client:
        return int(client.llen("list"))


def clients(server: RedisServer) -> int:
    """Return how many connections of ours a server has."""
    with server.client() as client:
        return sum(each["name"] == "pyasynq" for each in client.client_list())


def switch(old: RedisServer, new: RedisServer) -> str:
    return f"{NAME} 127.0.0.1 {old.port} 127.0.0.1 {new.port}"


def promotion(old: RedisServer, new: RedisServer) -> str:
    address = f"127.0.0.1 {new.port}"
    return f"slave 127.0.0.1:{new.port} {address} @ {NAME} 127.0.0.1 {old.port}"


def blocking(url: str) -> Runner:
    return Runner(Connector.of(url).open_sync(), clock=SystemClock())


def asynchronous(url: str) -> AsyncRunner:
    return AsyncRunner(Connector.of(url).open_async(), clock=SystemClock())


async def ended(call: Any) -> Any:
    """Return the result of a call of either form."""
    return await call if inspect.isawaitable(call) else call


def threads() -> int:
    return sum(each.name == THREAD for each in threading.enumerate())


def test_a_switch_ends_blocking_connections_and_the_message_tells_the_new_master(old, new):
    with ScriptedSentinel(old.port) as first, ScriptedSentinel(old.port) as second:
        runner = blocking(url_of(first, second))
        runner.run(PUSH)
        eventually(lambda: first.listeners and second.listeners)

        second.publish(MOVED, switch(old, new))
        eventually(lambda: not clients(old))
        runner.run(PUSH)
        runner.close()

    assert (pushed(old), pushed(new)) == (1, 1)


async def test_a_switch_ends_async_connections_and_the_message_tells_the_new_master(old, new):
    with ScriptedSentinel(old.port) as sentinel:
        runner = asynchronous(url_of(sentinel))
        await runner.run(PUSH)
        await eventually_async(lambda: sentinel.listeners)

        sentinel.publish(MOVED, switch(old, new))
        await eventually_async(lambda: not clients(old))
        await runner.run(PUSH)
        await runner.close()

    assert (pushed(old), pushed(new)) == (1, 1)


def test_whoever_waits_for_a_frozen_master_learns_of_the_switch_at_once(old, new):
    with ScriptedSentinel(old.port) as sentinel:
        runner = blocking(url_of(sentinel) + "&socket_timeout=600")
        runner.run(PUSH)
        eventually(lambda: sentinel.listeners)
        os.kill(old.pid, signal.SIGSTOP)
        try:
            waiting = threading.Thread(target=runner.run, args=(PUSH,))
            waiting.start()
            sentinel.publish(MOVED, switch(old, new))
            waiting.join(20)
        finally:
            os.kill(old.pid, signal.SIGCONT)
        runner.close()

    assert not waiting.is_alive()
    assert pushed(new) == 1


@pytest.mark.parametrize("form", ["async", "blocking"])
async def test_a_replica_that_is_to_be_promoted_is_waited_for_and_the_old_master_left(
    old, new, form
):
    with new.client() as client:
        client.replicaof("127.0.0.1", old.port)
    with ScriptedSentinel(old.port) as sentinel:
        runner = (blocking if form == "blocking" else asynchronous)(url_of(sentinel))
        await ended(runner.run(PUSH))
        await eventually_async(lambda: sentinel.listeners and pushed(new))

        sentinel.publish(PROMOTED, promotion(old, new))
        await eventually_async(lambda: not clients(old))
        waiting = asyncio.create_task(
            runner.run(PUSH) if form == "async" else asyncio.to_thread(runner.run, PUSH)
        )
        await eventually_async(lambda: clients(new))
        with new.client() as client:
            client.replicaof("NO", "ONE")
        await waiting
        await ended(runner.close())

    assert (pushed(old), pushed(new)) == (1, 2)


def test_a_promotion_that_does_not_happen_is_forgotten(old, new, monkeypatch):
    monkeypatch.setattr("pyasynq.connection.transport.sentinel_search.PROMOTED_WITHIN_S", 0.2)
    with new.client() as client:
        client.replicaof("127.0.0.1", old.port)
    with ScriptedSentinel(old.port) as sentinel:
        runner = blocking(url_of(sentinel))
        runner.run(PUSH)
        eventually(lambda: sentinel.listeners)

        sentinel.publish(PROMOTED, promotion(old, new))
        eventually(lambda: not clients(old))
        runner.run(PUSH, patience_s=20)
        runner.close()

    assert pushed(old) == 2


def test_an_event_of_another_master_or_without_sense_changes_nothing(old, new):
    with ScriptedSentinel(old.port) as sentinel:
        runner = blocking(url_of(sentinel))
        runner.run(PUSH)
        eventually(lambda: sentinel.listeners)
        before = clients(old)

        for payload in ("", "\x00", switch(old, new).replace(NAME, "other"), f"{NAME} a b c d"):
            sentinel.publish(MOVED, payload)
            sentinel.publish(PROMOTED, payload)
        runner.run(PUSH)
        runner.close()

    assert before == 1
    assert pushed(old) == 2


def test_a_sentinel_that_is_late_with_its_event_does_not_lead_back(old, new):
    with ScriptedSentinel(new.port, epoch=2) as sentinel, ScriptedSentinel(old.port) as late:
        runner = blocking(url_of(late, sentinel))
        runner.run(PUSH)
        eventually(lambda: sentinel.listeners and late.listeners)
        asked = sentinel.questions

        late.publish(MOVED, f"{NAME} 127.0.0.1 1 127.0.0.1 {old.port}")
        eventually(lambda: sentinel.questions > asked)
        runner.run(PUSH)
        runner.close()

    assert (pushed(old), pushed(new)) == (0, 2)


def test_a_switch_that_nobody_heard_is_found_when_a_sentinel_is_heard_again(old, new):
    with ScriptedSentinel(old.port) as sentinel:
        runner = blocking(url_of(sentinel))
        runner.run(PUSH)
        eventually(lambda: sentinel.listeners)

        sentinel.port, sentinel.epoch = new.port, 2
        sentinel.hang_up()
        eventually(lambda: not clients(old))
        runner.run(PUSH)
        runner.close()

    assert (pushed(old), pushed(new)) == (1, 1)


def test_a_server_that_is_no_master_is_not_used_although_the_sentinels_name_it(old, new):
    with new.client() as client:
        client.replicaof("127.0.0.1", old.port)
    with ScriptedSentinel(new.port) as sentinel:
        runner = blocking(url_of(sentinel))

        with pytest.raises(
            RedisUnavailableError, match="is to be the master, but is still a slave"
        ):
            runner.run(PUSH, patience_s=0)
        sentinel.port = old.port
        runner.run(PUSH)
        runner.close()

    assert pushed(old) == 1


@pytest.mark.parametrize("form", ["async", "blocking"])
async def test_a_refusal_as_a_replica_means_that_the_master_has_moved(old, new, form):
    push_once = structs.replace(PUSH, repeat=Repeat.NEVER)  # it did not happen
    with ScriptedSentinel(old.port) as sentinel:
        runner = (blocking if form == "blocking" else asynchronous)(url_of(sentinel))
        await ended(runner.run(PUSH))
        sentinel.port = new.port
        with old.client() as client:
            client.replicaof("127.0.0.1", new.port)

        await ended(runner.run(push_once))
        left = clients(old)
        await ended(runner.close())

    assert (pushed(new), left) == (1, 0)


def test_a_master_that_is_down_for_the_sentinels_is_not_used(old):
    with ScriptedSentinel(old.port, flags="master,s_down") as sentinel:
        runner = blocking(url_of(sentinel))

        with pytest.raises(RedisUnavailableError, match="it is down, as they see it"):
            runner.run(PUSH, patience_s=0)
        sentinel.flags = "master"
        runner.run(PUSH)
        runner.close()

    assert pushed(old) == 1


def test_many_who_wait_for_a_master_ask_the_sentinels_a_few_times_only():
    nobody = 1
    with ScriptedSentinel(nobody) as sentinel:
        connector = Connector.of(url_of(sentinel))
        runners = [Runner(connector.open_sync(), clock=SystemClock()) for _ in range(20)]

        def give_up(runner: Runner) -> None:
            with pytest.raises(RedisUnavailableError):
                runner.run(PUSH, patience_s=1)

        waiting = [threading.Thread(target=give_up, args=(each,)) for each in runners]
        for thread in waiting:
            thread.start()
        for thread in waiting:
            thread.join()
        for runner in runners:
            runner.close()

    assert 4 <= sentinel.questions <= 40


def test_one_thread_listens_for_all_clients_and_ends_with_the_last_one(old):
    with ScriptedSentinel(old.port) as sentinel:
        runners = [blocking(url_of(sentinel)) for _ in range(3)]
        for runner in runners:
            runner.run(PUSH)
        eventually(lambda: sentinel.listeners)
        counts = [threads(), sentinel.listeners]
        for runner in runners:
            runner.close()

    assert counts == [1, 1]
    assert threads() == 0


async def test_the_thread_ends_with_the_last_async_client_too(old):
    with ScriptedSentinel(old.port) as sentinel:
        runner = asynchronous(url_of(sentinel))
        await runner.run(PUSH)
        during = threads()
        await runner.close()

    assert during == 1
    await eventually_async(lambda: threads() == 0)


async def test_who_does_not_wait_for_the_end_of_the_thread_disturbs_it_not(old, monkeypatch):
    monkeypatch.setattr(sentinel_module, "END_S", 0)
    with ScriptedSentinel(old.port) as sentinel:
        runner = asynchronous(url_of(sentinel))
        await runner.run(PUSH)

        await runner.close()

        await eventually_async(lambda: threads() == 0)


def test_the_thread_ends_when_its_clients_were_thrown_away(old, monkeypatch):
    monkeypatch.setattr(sentinel_watch, "CHECK_S", 0.05)
    with ScriptedSentinel(old.port) as sentinel:
        runner = blocking(url_of(sentinel))
        runner.run(PUSH)

        del runner

        eventually(lambda: threads() == 0)


def test_a_closed_client_works_again(old):
    with ScriptedSentinel(old.port) as sentinel:
        runner = blocking(url_of(sentinel))
        runner.run(PUSH)
        runner.close()

        runner.run(PUSH)
        runner.close()

    assert pushed(old) == 2


def test_a_forked_child_follows_the_master_and_leaves_its_parent_alone(old, new):
    with ScriptedSentinel(old.port) as sentinel:
        runner = blocking(url_of(sentinel))
        runner.run(PUSH)
        eventually(lambda: sentinel.listeners == 1)
        child = os.fork()
        if not child:
            try:
                runner.run(PUSH)
                eventually(lambda: pushed(new))  # the switch has come, and the parent knows it
                runner.run(PUSH)
                runner.close()
                os._exit(0)
            finally:
                os._exit(1)
        eventually(lambda: sentinel.listeners == 2 and pushed(old) == 2)

        sentinel.publish(MOVED, switch(old, new))
        eventually(lambda: not clients(old))
        runner.run(PUSH)
        _pid, status = os.waitpid(child, 0)
        runner.run(PUSH)
        runner.close()

    assert status == 0
    assert (pushed(old), pushed(new)) == (2, 3)


def test_a_move_is_logged_once_with_both_addresses(old, new, caplog):
    caplog.set_level(logging.INFO, logger="pyasynq.sentinel")
    with ScriptedSentinel(old.port) as sentinel:
        runner = blocking(url_of(sentinel))
        runner.run(PUSH)
        eventually(lambda: sentinel.listeners)
        sentinel.publish(MOVED, switch(old, new))
        sentinel.publish(MOVED, switch(old, new))
        eventually(lambda: caplog.records)
        runner.run(PUSH)
        runner.close()

    (record,) = caplog.records
    addresses = f"from 127.0.0.1:{old.port} to 127.0.0.1:{new.port}"
    assert f"the master 'mymaster' moves {addresses}, with 1 con" in record.getMessage()


def test_a_sentinel_that_cannot_be_heard_is_logged_once_and_when_it_is_back(old, caplog):
    caplog.set_level(logging.INFO, logger="pyasynq.sentinel")
    with ScriptedSentinel(old.port) as sentinel:
        runner = blocking(url_of(sentinel))
        runner.run(PUSH)
        eventually(lambda: sentinel.listeners)
        sentinel.hang_up()
        eventually(lambda: "listening again" in caplog.text)
        runner.close()

    assert [each.levelname for each in caplog.records] == ["WARNING", "INFO"]


def test_sentinels_that_are_all_away_are_told_by_the_error_alone(caplog):
    runner = blocking(f"redis-sentinel://127.0.0.1:{free_port()}/0?master={NAME}")

    with pytest.raises(RedisUnavailableError, match="no master 'mymaster'"):
        runner.run(PUSH, patience_s=0)
    runner.close()

    assert not caplog.records


async def test_a_sentinel_that_goes_silent_is_left_and_heard_anew(old):
    with ScriptedSentinel(old.port, is_silent=True) as sentinel:
        host, port = sentinel.address.split(":")
        client = Redis(host=host, port=int(port), client_name="x", protocol=2, driver_info=None)
        search = MasterSearch({"s": client}, NAME, on_move=id, ping_interval_s=0.05)

        following = asyncio.create_task(search.follow())
        await eventually_async(lambda: sentinel.subscriptions >= 2)
        await cancel_all(following)


def test_many_threads_that_connect_at_once_start_one_thread(old):
    with ScriptedSentinel(old.port) as sentinel:
        runner = blocking(url_of(sentinel))
        pushing = [threading.Thread(target=runner.run, args=(PUSH,)) for _ in range(20)]
        for thread in pushing:
            thread.start()
        for thread in pushing:
            thread.join()
        eventually(lambda: threads() == 1)
        runner.close()

    assert pushed(old) == 20
    assert threads() == 0


def test_clients_that_the_garbage_collector_closes_in_the_new_thread_hold_nobody_up(
    old, monkeypatch
):
    """A finalizer may run in any thread, and takes the same lock."""
    with ScriptedSentinel(old.port) as sentinel:
        client = Connector.of(url_of(sentinel)).open_sync()
        start = threading.Thread._bootstrap_inner

        def collect_first(thread):
            if thread.name == THREAD:
                other.close()
            start(thread)

        other = Connector.of(url_of(sentinel)).open_sync()
        other.connection_pool._watch.hold(other.connection_pool)
        monkeypatch.setattr(threading.Thread, "_bootstrap_inner", collect_first)
        client.ping()
        client.close()
