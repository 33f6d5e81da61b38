"""What an idle server sends: counted command by command, for each pass of each component."""

import asyncio
import contextlib

import pytest

from pyasynq.broker.runners.runner import Runner
from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.clock import FakeClock, SystemClock
from pyasynq.connection.connector import Connector
from pyasynq.connection.subscription import PING_INTERVAL_S
from pyasynq.lifecycle.component import Life
from pyasynq.options import to_seconds
from pyasynq.wire.keys import queue_keys
from pyasynq.worker.assembly import assemble
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.fetch import empty_queues
from pyasynq.worker.fetch.blocking_waits import MOST_QUEUES, BlockingWaits
from pyasynq.worker.fetch.empty_queues import CHECK_S, EmptyQueues
from pyasynq.worker.fetch.tracked_node import TrackedNode
from pyasynq.worker.groups.aggregator import LONGEST_INTERVAL_S
from pyasynq.worker.handlers.mux import ServeMux
from tests.support.builders import make_resources
from tests.support.eventually import eventually_async
from tests.support.signals import flushed
from tests.support.waiting import announced, refused

MOST_PER_S = 3.0  # what an idle server may send
KEYS = queue_keys("default")


@contextlib.asynccontextmanager
async def assembled(redis_url, config):
    """The parts of a server, of which none has been started."""
    connector, clock, mux = Connector.of(redis_url), SystemClock(), ServeMux()
    mux.aggregator("*")(lambda group, tasks: None)
    runner = AsyncRunner(connector.open_async(), clock=clock)
    parts = assemble(
        mux,
        make_resources(runner, config=config, clock=clock, connector=connector),
        state=None,
        status=lambda: "active",
    )
    try:
        yield parts
    finally:
        await parts.processor._idle_wait.close()
        await parts.executor.close()
        await runner.close()


async def passes(parts, redis_url, commands):
    """What one pass of each component sends, when scripts are known and nothing is to be done."""
    beating = Runner(Connector.of(redis_url).open_sync(), clock=SystemClock())

    async def beat():
        await asyncio.to_thread(parts.heartbeater._beat, beating)

    async def ask_each_queue():
        fetching = parts.processor._fetcher.fetch(10, lambda: True)
        assert [batch async for batch in fetching] == []

    steps = {
        "beat": beat,
        "fetch": ask_each_queue,
        "poll": parts.processor._idle_wait._find_pending,
        "forward": parts.forwarder.forward,
        "clean": parts.janitor.clean,
        "recover": parts.recoverer.recover,
        "aggregate": parts.aggregator.aggregate,
    }
    found = {}
    for name, step in steps.items():
        await step()
        commands.sent()
        await step()
        found[name] = commands.sent()
    beating.close()
    return found


@pytest.mark.parametrize("number", [1, 3, 17, 50, 200])
async def test_an_idle_server_sends_less_than_three_commands_a_second(redis_url, commands, number):
    config = ServerConfig(queues={f"queue-{n}": 1 + n for n in range(number)})

    async with assembled(redis_url, config) as parts:
        renew_s = parts.processor._idle_wait._wake_up.renew_s
        sent = await passes(parts, redis_url, commands)

    assert sent == {
        "beat": ["time", "evalsha", "evalsha", "evalsha"],
        "fetch": ["evalsha"] * number,
        "poll": ["exists"],
        "forward": ["exists"],
        "clean": ["exists"],
        "recover": ["exists"],
        "aggregate": ["exists"],
    }
    per_s = (
        len(sent["beat"]) / to_seconds(config.heartbeat_interval)
        + len(sent["fetch"]) / renew_s
        + 1 / CHECK_S  # that no announcement was lost
        + len(sent["forward"]) / to_seconds(config.delayed_task_check_interval)
        + len(sent["clean"]) / to_seconds(config.janitor_interval)
        + len(sent["recover"]) / to_seconds(config.recover_interval)
        + len(sent["aggregate"]) / LONGEST_INTERVAL_S
        + 2 / PING_INTERVAL_S  # of two subscriptions
    )
    assert per_s <= MOST_PER_S


async def test_a_wait_without_a_push_is_repeated_and_asks_nobody(redis_url, commands, redis_client):
    clock, changed = FakeClock(), asyncio.Event()
    resources = make_resources(url=redis_url, clock=clock, changed=changed)
    wake_up = BlockingWaits(resources, renew_s=60)
    wake_up._block_s = 0.01
    wake_up.watch([KEYS])
    names = []

    def has_waited(times):
        names.extend(name for name in commands.sent() if name == "blmove")
        return len(names) >= times

    await eventually_async(lambda: has_waited(5))
    was_woken = changed.is_set()
    clock.advance(61)
    await changed.wait()  # it must ask first whether it may go on waiting
    changed.clear()
    wake_up.watch([KEYS])
    redis_client.lpush(KEYS.pending, "a")
    await changed.wait()
    await wake_up.close()

    assert not was_woken


@pytest.mark.parametrize(("queues", "seconds"), [(1, 5), (5, 5), (10, 10), (16, 16)])
async def test_the_waits_of_all_queues_send_at_most_a_command_a_second(redis_url, queues, seconds):
    config = ServerConfig(queues={f"queue-{number}": 1 for number in range(queues)})
    wake_up = BlockingWaits(make_resources(url=redis_url, config=config), renew_s=60)

    assert wake_up._block_s == seconds
    await wake_up.close()


async def test_a_task_that_nobody_announced_is_found_by_the_next_pass(work, redis_url):
    """Go producers announce nothing; a forwarder that has seen nothing yet must still look."""
    async with assembled(redis_url, ServerConfig()) as parts:
        before = [await parts.forwarder.forward() for _ in range(2)]
        info = await work.enqueue("email", process_in=3600)
        key = f"asynq:{{default}}:t:{info.id}"
        work.redis.hdel(key, "process_at_ns")
        work.redis.zadd(KEYS.scheduled, {info.id: 1})
        found = await parts.forwarder.forward()

    assert (before, found) == ([0, 0], 1)
    assert work.state(info) == "pending"


@pytest.fixture
def polled(redis_client):
    """So many queues that they are polled, since Redis can announce nothing."""
    with refused(redis_client, "client|tracking"):
        yield dict.fromkeys(map(str, range(MOST_QUEUES + 1)), 1)


async def test_a_poll_that_finds_nothing_is_followed_by_the_next_one_not_by_a_fetch(
    redis_url, commands, polled
):
    config = ServerConfig(queues=polled, task_check_interval=0.01)
    async with assembled(redis_url, config) as parts:
        life, names = Life(), []
        with parts.processor.idle.listening() as idles:
            running = asyncio.create_task(parts.processor.run(life))
            while await idles.get():  # it finds out first that nothing is announced
                pass
            commands.sent()
            await eventually_async(
                lambda: names.extend(commands.sent()) or names.count("exists") >= 20
            )
            life.stop()
            await running

    assert idles.empty()
    assert names.count("evalsha") <= len(config.queues)  # of one fetch before


async def test_more_queues_than_can_be_waited_for_are_asked_in_one_command(work, commands, polled):
    seen, mux = [], ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        seen.append(ctx.queue)

    still = {"janitor_interval": 3600, "delayed_task_check_interval": 3600}
    async with work.serving(mux, **still, recover_interval=3600, queues=polled) as server:
        names = []
        await eventually_async(lambda: names.extend(commands.sent()) or names.count("exists") > 20)
        await work.enqueue("email", queue="3")
        await flushed(server).until(lambda: seen)

    assert seen == ["3"]


async def test_what_is_known_of_queues_is_checked_in_one_command(
    redis_url, commands, redis_client, monkeypatch
):
    monkeypatch.setattr(empty_queues, "CHECK_S", 0.01)
    resources = make_resources(url=redis_url, config=ServerConfig(queues={"a": 1, "b": 1}))
    questions: list[list[str]] = []
    empty = EmptyQueues(resources, known_for_s=60)
    empty.track(resources.queues)
    await eventually_async(
        lambda: questions.extend(map(str.split, commands.texts())) or len(questions) > 18
    )
    known, is_changed = set(empty.known), resources.changed.is_set()
    await empty.close()

    assert (known, is_changed) == ({"a", "b"}, False)
    asked = [sorted(keys) for name, *keys in questions if name == "EXISTS"]
    assert len(asked) > 7
    assert asked == [["asynq:{a}:pending", "asynq:{b}:pending"]] * len(asked)


async def test_a_queue_is_asked_for_again_when_it_has_been_known_for_long(redis_url, monkeypatch):
    monkeypatch.setattr(empty_queues, "CHECK_S", 0.01)
    clock, changed = FakeClock(), asyncio.Event()
    resources = make_resources(url=redis_url, clock=clock, changed=changed)
    empty = EmptyQueues(resources, known_for_s=60)
    empty.track(resources.queues)
    clock.advance(61)
    await changed.wait()

    assert not empty.known
    await empty.close()


async def test_without_announcements_that_arrive_the_server_does_not_rely_on_them(
    redis_url, redis_client, monkeypatch
):
    """Like behind a proxy that passes on nothing that was not asked for."""
    monkeypatch.setattr(empty_queues, "CHECK_S", 0.01)
    monkeypatch.setattr(TrackedNode, "announced", lambda *_args: None)
    changed = asyncio.Event()
    resources = make_resources(url=redis_url, changed=changed)
    empty = EmptyQueues(resources, known_for_s=60)
    empty.track(resources.queues)
    await eventually_async(lambda: announced(redis_client) == 1)
    redis_client.lpush(KEYS.pending, "a")
    await changed.wait()

    assert not empty.known
    assert not empty.is_possible
    await empty.close()
