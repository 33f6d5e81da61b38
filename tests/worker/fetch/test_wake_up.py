"""How an idle server learns of a task."""

import asyncio
import contextlib

import pytest

from pyasynq.broker.operations.dequeue import Waiter, dequeue_many
from pyasynq.broker.runners.runner import Runner
from pyasynq.broker.scripts import load
from pyasynq.clock import NANOSECONDS, SystemClock
from pyasynq.connection.connector import Connector
from pyasynq.worker.handlers.mux import ServeMux
from tests.support.builders import make_keys
from tests.support.eventually import eventually_async
from tests.support.signals import drained, fetched, flushed, idle
from tests.support.waiting import announced, blocked, connections, refused

HOUR = 3600  # of polling: whatever runs before has been woken up
SLOW = {"task_check_interval": HOUR, "delayed_task_check_interval": HOUR}
KEYS = make_keys()


def collecting() -> tuple[ServeMux, list[str]]:
    mux, seen = ServeMux(), []

    @mux.handler("email")
    async def handle(ctx, task):
        seen.append(ctx.queue)

    return mux, seen


WAYS = {"announced": announced, "blocked": blocked}


@pytest.fixture(params=WAYS)
def waiting(request, work):
    """How many queues the servers wait for, where Redis can announce a push, and where not."""
    with contextlib.ExitStack() as stack:
        if request.param == "blocked":
            stack.enter_context(refused(work.redis, "client|tracking"))
        yield lambda: WAYS[request.param](work.redis)


async def test_a_push_wakes_an_idle_server_again_and_again(work, waiting):
    mux, seen = collecting()

    async with work.serving(mux, **SLOW) as server:
        await eventually_async(lambda: waiting() == 1)
        with fetched(server).listening() as fetches:
            for _ in range(4):
                await work.enqueue("email")
                await drained(fetches)

    assert len(seen) == 4


async def test_a_push_to_any_queue_wakes(work, waiting):
    mux, seen = collecting()

    async with work.serving(mux, **SLOW, queues={"low": 1, "high": 2}) as server:
        await eventually_async(lambda: waiting() == 2)
        await work.enqueue("email", queue="low")
        await eventually_async(lambda: waiting() == 2 and seen)
        await work.enqueue("email", queue="high")
        await flushed(server).until(lambda: len(seen) == 2)

    assert seen == ["low", "high"]


@pytest.mark.parametrize("number", [17, 200])
async def test_a_push_to_any_of_many_queues_wakes(work, number):
    mux, seen = collecting()
    queues = [f"queue-{n}" for n in range(number)]

    async with work.serving(mux, **SLOW, queues=dict.fromkeys(queues, 1)) as server:
        for queue in queues[:: number // 4]:
            await eventually_async(lambda: announced(work.redis) == number)
            await work.enqueue("email", queue=queue)
            await flushed(server).until(lambda queue=queue: queue in seen)

    assert seen == queues[:: number // 4]


async def test_a_queue_with_an_odd_name_wakes_too(work):
    mux, seen = collecting()
    name = "größe: {a} *"

    async with work.serving(mux, **SLOW, queues={name: 1, "other": 1}) as server:
        await eventually_async(lambda: announced(work.redis) == 2)
        await work.enqueue("email", queue=name)
        await flushed(server).until(lambda: seen)

    assert seen == [name]


async def test_all_keys_that_vanish_at_once_leave_a_server_awake(work):
    mux, seen = collecting()

    async with work.serving(mux, **SLOW) as server:
        await eventually_async(lambda: announced(work.redis) == 1)
        work.redis.flushall()
        await eventually_async(lambda: announced(work.redis) == 1)
        await work.enqueue("email")
        await flushed(server).until(lambda: seen)


async def test_a_push_wakes_after_the_connection_that_announces_was_lost(work):
    mux, seen = collecting()

    async with work.serving(mux, **SLOW) as server:
        await eventually_async(lambda: announced(work.redis) == 1)
        for number in range(1, 4):
            with idle(server).listening() as idles:
                work.redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
                assert await idles.get() == 1
            await work.enqueue("email")
            await flushed(server).until(lambda number=number: len(seen) == number)


async def test_queues_known_to_be_empty_are_not_asked_while_another_is_full(work, commands):
    mux, seen = collecting()
    queues = {"full": 1, **{f"empty-{n}": 1 for n in range(50)}}
    for _ in range(400):
        await work.enqueue("email", queue="full")
    fetch = load("dequeue_many").digest

    async with work.serving(mux, **SLOW, concurrency=8, queues=queues) as server:
        await flushed(server).until(lambda: len(seen) == 400)

    fetches = sum(fetch in text for text in commands.texts())
    assert fetches < 250


async def test_a_push_to_a_queue_known_to_be_empty_is_served_beside_a_full_one(work):
    mux, seen = collecting()
    for _ in range(50):
        await work.enqueue("email", queue="full")

    async with work.serving(mux, **SLOW, concurrency=1, queues={"full": 1, "other": 1000}) as it:
        await flushed(it).until(lambda: len(seen) > 5)
        await work.enqueue("email", queue="other")
        await flushed(it).until(lambda: "other" in seen)
        await flushed(it).until(lambda: len(seen) == 51)


async def test_the_list_is_left_as_it_was(work):
    for name in ("first", "second"):
        await work.enqueue("email", task_id=name)
    before = work.redis.lrange("asynq:{default}:pending", 0, -1)
    key = "asynq:{default}:pending"

    work.redis.execute_command("BLMOVE", key, key, "RIGHT", "RIGHT", 5)

    assert work.redis.lrange(key, 0, -1) == before


async def test_a_paused_queue_is_polled(work):
    mux, seen = collecting()
    work.redis.set("asynq:{default}:paused", 1)

    async with work.serving(mux) as server:
        with idle(server).listening() as idles:
            await work.enqueue("email")
            assert [await idles.get() for _ in range(2)] == [0, 0]
        assert (blocked(work.redis), announced(work.redis), seen) == (0, 0, [])
        work.redis.delete("asynq:{default}:paused")
        await flushed(server).until(lambda: seen)


@pytest.mark.parametrize("trouble", ["no rights", "many queues"])
async def test_where_nobody_can_wait_the_queue_is_polled(work, trouble):
    mux, seen = collecting()
    names = ["default", *map(str, range(20))] if trouble == "many queues" else ["default"]

    with refused(work.redis, "client|tracking", *(["blmove"] if trouble == "no rights" else [])):
        async with work.serving(mux, queues=dict.fromkeys(names, 1)) as server:
            with idle(server).listening() as idles:
                await work.enqueue("email")
                while await idles.get():  # until it has noticed that it cannot wait
                    pass
            await work.enqueue("email")
            await flushed(server).until(lambda: len(seen) == 2)
            assert (blocked(work.redis), announced(work.redis)) == (0, 0)


async def test_a_stop_does_not_wait_for_a_push(work, waiting):
    async with asyncio.timeout(4), work.serving(ServeMux(), **SLOW):
        await eventually_async(lambda: waiting() == 1)
        assert work.redis.zcard("asynq:{default}:x:waiters") == 1
        assert connections(work.redis) == 1

    await eventually_async(lambda: connections(work.redis) == 0)
    assert work.redis.exists("asynq:{default}:x:waiters") == 0


async def test_a_stop_at_any_moment_does_not_wait_for_a_push(work, waiting):
    for turns in range(12):
        async with asyncio.timeout(4), work.serving(ServeMux(), **SLOW):
            for _ in range(turns * 3):
                await asyncio.sleep(0)


@pytest.fixture
def runner(redis_url):
    runner = Runner(Connector.of(redis_url).open_sync(), clock=SystemClock())
    yield runner
    runner.close()


def ask(runner, server_id, now_s):
    waiter = Waiter(server_id=server_id, now_s=now_s)
    return runner.run(
        dequeue_many(KEYS, count=1, owner="me", lease_expires_at_s=now_s + 30, waiter=waiter)
    )


def test_eight_servers_may_wait_and_another_when_one_is_gone(runner, redis_client):
    now_s = SystemClock().now_ns() // NANOSECONDS

    assert [ask(runner, f"s{n}", now_s).may_wait for n in range(9)] == [True] * 8 + [False]
    assert ask(runner, "s0", now_s).may_wait  # it is among those that may wait
    for n in range(7):
        ask(runner, f"s{n}", now_s + 60)
    assert ask(runner, "s8", now_s + 91).may_wait  # s7 was not seen for a while
    assert 0 < redis_client.ttl(KEYS.waiters) <= 91 + 90


def test_a_key_of_another_type_means_polling(runner, redis_client):
    redis_client.set(KEYS.waiters, "text")

    assert not ask(runner, "s", 1).may_wait
