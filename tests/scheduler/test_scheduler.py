"""A scheduler that runs: what it shows, who leads, and how it ends."""

import asyncio
import os
import signal
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest

from pyasynq.clock import FakeClock
from pyasynq.errors import ConfigError, EntryNotFoundError, ServerStateError
from pyasynq.inspector.inspector_async import AsyncInspector
from pyasynq.scheduler.scheduler import Scheduler
from pyasynq.task import Task
from pyasynq.wire.keys import global_keys, queue_keys
from tests.support.clocks import HOUR_S, StoppableClock, WrongClock
from tests.support.eventually import eventually_async

REPORT = Task("report", b"{}")
LEADER = global_keys("asynq").leader("shop")
SHOWN = global_keys("asynq").scheduler_entries("shop")
WITHIN_S = 20.0  # only ends broken tests


@pytest.fixture
async def inspector(redis_url):
    async with AsyncInspector(redis_url) as inspector:
        yield inspector


def scheduler(url, *specs, clock=None):
    made = Scheduler(url, name="shop", clock=clock)
    for spec in specs:
        made.register(spec, REPORT)
    return made


async def until_shown(inspector, condition):
    """Wait until *condition* holds for the entries that the inspector lists; return them."""
    entries = []
    for _ in range(int(WITHIN_S / 0.05)):
        entries = await inspector.schedulers.entries()
        if condition(entries):
            return entries
        await asyncio.sleep(0.05)
    raise AssertionError(entries)


async def test_entries_are_shown_while_a_scheduler_leads_and_not_afterwards(redis_url, inspector):
    async with scheduler(redis_url, "@hourly", "@daily").running() as running:
        shown = await until_shown(inspector, lambda entries: len(entries) == 2)
        added = running.register("@weekly", REPORT)
        more = await until_shown(inspector, lambda entries: len(entries) == 3)
        running.unregister(added)
        await until_shown(inspector, lambda entries: len(entries) == 2)

    assert [each.spec for each in shown] == ["@daily", "@hourly"]
    assert added in [each.id for each in more]
    assert await inspector.schedulers.entries() == []


async def test_the_times_that_are_shown_follow_the_ticks(redis_url, inspector):
    async with scheduler(redis_url, "@every 1s").running():
        shown = []
        for _ in range(2):
            before = shown[-1].previous_enqueue_at if shown else datetime(2000, 1, 1, tzinfo=UTC)
            (entry,) = await until_shown(
                inspector,
                lambda entries, before=before: (
                    entries and (entries[0].previous_enqueue_at or before) > before
                ),
            )
            shown.append(entry)

    for entry in shown:
        assert entry.next_enqueue_at - entry.previous_enqueue_at == timedelta(seconds=1)


async def test_one_leads_and_the_other_follows_at_once_when_it_stops(
    redis_url, redis_client, inspector
):
    first, second = (scheduler(redis_url, "@hourly") for _ in range(2))

    async with AsyncExitStack() as outer:
        async with first.running():
            await eventually_async(lambda: redis_client.get(LEADER) == first.id.encode())
            await outer.enter_async_context(second.running())
            leader_of_both = redis_client.get(LEADER)
        await eventually_async(lambda: redis_client.get(LEADER) == second.id.encode())
        await until_shown(inspector, lambda entries: len(entries) == 1)
    assert leader_of_both == first.id.encode()
    assert redis_client.get(LEADER) is None


async def test_the_entries_of_a_dead_leader_are_not_listed_beside_those_of_the_next(
    redis_url, redis_client, inspector
):
    async with scheduler(redis_url, "@hourly").running():
        await until_shown(inspector, lambda entries: len(entries) == 1)
        left_behind = redis_client.lrange(SHOWN, 0, -1)
    redis_client.rpush(SHOWN, *left_behind)
    redis_client.zadd("asynq:schedulers", {SHOWN: 4_000_000_000})

    async with scheduler(redis_url, "@daily", "@weekly").running():
        shown = await until_shown(inspector, lambda entries: len(entries) == 2)

    assert [each.spec for each in shown] == ["@daily", "@weekly"]


async def test_a_follower_that_stops_leaves_the_entries_of_the_leader(redis_url, inspector):
    async with scheduler(redis_url, "@hourly").running():
        await until_shown(inspector, lambda entries: len(entries) == 1)
        async with scheduler(redis_url, "@hourly").running():
            pass

        assert len(await inspector.schedulers.entries()) == 1


@pytest.mark.parametrize(("other", "warned"), [("@weekly", True), ("@hourly", False)])
async def test_two_applications_of_one_name_are_warned(
    redis_url, redis_client, inspector, caplog, other, warned
):
    clock = StoppableClock()
    async with scheduler(redis_url, "@hourly", "@daily").running():
        await until_shown(inspector, lambda entries: len(entries) == 2)
        async with scheduler(redis_url, other, clock=clock).running() as second:
            clock.stop()
            looked = redis_client.info("commandstats")["cmdstat_lrange"]["calls"]
            for _ in range(2):
                clock.advance(60)
                await eventually_async(
                    lambda n=looked: (
                        redis_client.info("commandstats")["cmdstat_lrange"]["calls"] > n
                        or "another application" in caplog.text
                    )
                )
            assert redis_client.get(LEADER) != second.id.encode()

    assert caplog.text.count("does another application use this name?") == warned


async def test_an_entry_ticks_while_the_scheduler_runs(redis_url, redis_client):
    clock = FakeClock(datetime(2025, 1, 6, 9, tzinfo=UTC))
    pending = queue_keys("default").pending

    async with scheduler(redis_url, "@hourly", clock=clock).running():
        await eventually_async(lambda: redis_client.keys("*x:tick:*"))
        clock.advance(timedelta(hours=1))
        await eventually_async(lambda: redis_client.llen(pending) == 1)


async def test_the_history_and_the_last_ticks_outlive_a_scheduler(redis_url, redis_client):
    clock = FakeClock(datetime(2025, 1, 6, 9, tzinfo=UTC))
    made = scheduler(redis_url, "@hourly", clock=clock)
    (entry,) = made.entries

    async with made.running():
        await eventually_async(lambda: redis_client.keys("*x:tick:*"))
        clock.advance(timedelta(hours=1))
        await eventually_async(lambda: redis_client.keys("*scheduler_history*"))

    history = global_keys("asynq").scheduler_history(entry.id)
    assert redis_client.zcard(history) == 1
    assert redis_client.ttl(history) > 0
    assert redis_client.ttl(queue_keys("default").tick(entry.id)) > 0


async def test_the_time_of_the_machine_does_not_matter(redis_url, redis_client):
    clock = WrongClock(ahead_s=HOUR_S)
    pending = queue_keys("default").pending

    async with scheduler(redis_url, "@every 1s", clock=clock).running():
        await eventually_async(lambda: redis_client.llen(pending) >= 1)
        clock.jump(-2 * HOUR_S)
        before = redis_client.llen(pending)
        await eventually_async(lambda: redis_client.llen(pending) > before)

    (record,) = redis_client.keys("*x:tick:*")
    now_s, _ = redis_client.time()
    assert now_s - 60 < int(redis_client.hget(record, "at")) <= now_s
    assert redis_client.llen(pending) < 60


@pytest.mark.long
async def test_ten_thousand_entries_are_shown_and_enqueued(redis_url, redis_client, inspector):
    clock = FakeClock(datetime(2025, 1, 6, 9, tzinfo=UTC))
    many = scheduler(redis_url, clock=clock)
    for number in range(10_000):
        many.register("@hourly", REPORT, key=str(number))

    async with many.running():
        await eventually_async(lambda: redis_client.llen(SHOWN) == 10_000, within_s=120)
        clock.advance(timedelta(hours=1))
        pending = queue_keys("default").pending
        await eventually_async(lambda: redis_client.llen(pending) == 10_000, within_s=120)


async def test_a_stop_while_redis_hangs_ends_in_time(own_redis, caplog):
    url = f"{own_redis.tcp_url}?socket_timeout=600"
    async with asyncio.timeout(60):  # it takes about 3 s, and 600 s without a limit
        async with scheduler(url, "@every 1s").running():
            await eventually_async(lambda: "leads" in caplog.text or own_redis_leads(own_redis))
            freeze(own_redis.pid)
        os.kill(own_redis.pid, signal.SIGCONT)

    assert "has not stopped in time" not in caplog.text


def freeze(pid):
    os.kill(pid, signal.SIGSTOP)
    os.waitpid(pid, os.WUNTRACED)


async def test_a_stop_ends_a_start_that_waits_for_redis(own_redis):
    freeze(own_redis.pid)
    try:
        made = scheduler(f"{own_redis.tcp_url}?socket_timeout=600")
        serving = asyncio.create_task(made.serve())
        await asyncio.sleep(0)
        made.shutdown()
        async with asyncio.timeout(60):
            await serving
    finally:
        os.kill(own_redis.pid, signal.SIGCONT)

    assert made.status == "closed"


def own_redis_leads(own_redis):
    with own_redis.client() as client:
        return client.get(LEADER)


async def test_an_outage_is_one_line_and_its_end_another(own_redis, caplog):
    caplog.set_level("INFO")
    async with scheduler(own_redis.tcp_url, "@every 1s").running():
        await eventually_async(lambda: own_redis_leads(own_redis))
        own_redis.kill()
        await eventually_async(lambda: "waits for redis" in caplog.text)
        own_redis.start()
        await eventually_async(lambda: "answers again" in caplog.text)
        with own_redis.client() as client:
            await eventually_async(lambda: client.llen(queue_keys("default").pending) >= 2)

    lines = [each for each in caplog.messages if "waits" in each or "again" in each]
    assert ["waits for redis" in each for each in lines] == [True, False]


async def test_a_scheduler_runs_once(redis_url):
    made = scheduler(redis_url)
    async with made.running():
        with pytest.raises(ServerStateError, match="is active"):
            await made.serve()

    with pytest.raises(ServerStateError, match="is closed"):
        await made.serve()


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " "},
        {"location": "Mars/Olympus"},
        {"location": 5},
        {"pre_enqueue": "print"},
        {"heartbeat_interval": 0.5},
        {"clock": "now"},
    ],
    ids=str,
)
def test_wrong_arguments_are_told(wrong):
    with pytest.raises(ConfigError):
        Scheduler(**wrong)


def test_a_wrong_entry_is_told_and_changes_nothing():
    made = Scheduler(name="shop")
    for spec, options in [("@hourly", {"queue": ""}), ("* * * *", {}), ("@daily", {"foo": 1})]:
        with pytest.raises(ConfigError):
            made.register(spec, REPORT, **options)

    assert made.entries == ()


def test_an_entry_that_is_not_registered_cannot_be_unregistered():
    with pytest.raises(EntryNotFoundError, match=r"^scheduler entry 'x' does not exist$"):
        Scheduler(name="shop").unregister("x")
