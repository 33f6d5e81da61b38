"""Listeners hear what became of each tick, and no tick waits for them."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta

import pytest

from pyasynq import App
from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.clock import FakeClock
from pyasynq.errors import ConfigError, DuplicateTaskError, TaskIdConflictError
from pyasynq.events.event import PERIODIC_EVENTS
from pyasynq.events.listeners import Listeners
from pyasynq.lifecycle.component import running
from pyasynq.options import EnqueueOptions
from pyasynq.scheduler.config import PeriodicTaskConfig
from pyasynq.scheduler.entry import Policy, make_entry
from pyasynq.scheduler.hooks import Hooks
from pyasynq.scheduler.leadership import Leadership
from pyasynq.scheduler.manager import PeriodicTaskManager
from pyasynq.scheduler.notifier import Notifier
from pyasynq.scheduler.scheduler import Scheduler
from pyasynq.scheduler.ticker import Ticker
from pyasynq.task import Task
from pyasynq.wire.keys import queue_keys
from tests.support.builders import make_scheduler_resources
from tests.support.eventually import eventually_async
from tests.support.listening import keeper

NINE = datetime(2025, 1, 6, 9, tzinfo=UTC)


@pytest.fixture
def clock():
    return FakeClock(NINE)


@pytest.fixture
async def ticks(redis_url, clock):
    """Ticks of entries a minute after they were seen first, and the events that they made."""
    runners: list[AsyncRunner] = []

    async def ticks(*entries, minutes=1):
        events = []
        listeners = Listeners()
        listeners.register(PERIODIC_EVENTS)(keeper(events))
        resources = make_scheduler_resources(redis_url, clock, {each.id: each for each in entries})
        runners.append(resources.runner)
        notifier = Notifier(resources, list(listeners))
        ticker = Ticker(resources, Leadership(resources), Hooks(), on_tick=notifier.on_tick)
        async with running([notifier]):
            await ticker.fire_due()
            for _ in range(minutes):
                clock.advance(60)
                await ticker.fire_due()
        return events

    yield ticks
    for each in runners:
        await each.close()


def entry(key=None, policy=None, **options):
    task = Task("report", b"{}", headers={"a": "b"})
    return make_entry("shop", "@every 1m", task, EnqueueOptions(**options), key=key, policy=policy)


async def test_a_tick_that_made_a_task_is_told_with_all_that_is_known(ticks, redis_client):
    made = entry(key="sweep", queue="low")

    (event,) = await ticks(made)

    (task_id,) = redis_client.lrange("asynq:{low}:pending", 0, -1)
    assert (event.name, event.task_id) == ("periodic_enqueued", task_id.decode())
    assert (event.entry_id, event.key, event.spec) == (made.id, "sweep", "@every 1m")
    assert (event.scheduler, event.queue, event.task_type) == ("shop", "low", "report")
    assert (event.task.payload, event.task.headers) == (b"{}", {"a": "b"})
    assert event.due_at == event.at == NINE + timedelta(minutes=1)
    assert (event.reason, event.earlier_task_id, event.error) == ("", "", None)
    assert event.scheduler_id


async def test_a_tick_that_passes_since_an_earlier_task_is_not_done_is_skipped(ticks):
    first, second = await ticks(entry(policy=Policy(overlap="skip")), minutes=2)

    assert (first.name, second.name) == ("periodic_enqueued", "periodic_skipped")
    assert (second.reason, second.earlier_task_id) == ("unfinished", first.task_id)
    assert (second.task_id, second.error) == ("", None)


async def test_a_tick_that_meets_a_unique_lock_is_skipped(ticks):
    first, second = await ticks(entry(unique=3600), minutes=2)

    assert (second.name, second.reason) == ("periodic_skipped", "duplicate")
    assert second.earlier_task_id == first.task_id
    assert isinstance(second.error, DuplicateTaskError)


async def test_a_tick_of_an_entry_that_is_paused_is_skipped(ticks, redis_client):
    made = entry()
    redis_client.hset(queue_keys("default").tick(made.id), "paused", "{}")

    (event,) = await ticks(made)

    assert (event.name, event.reason) == ("periodic_skipped", "paused")


async def test_a_tick_that_is_refused_has_failed_and_the_next_one_comes(ticks):
    first, second, third = await ticks(entry(task_id="one"), minutes=3)

    assert first.name == "periodic_enqueued"
    assert [each.name for each in (second, third)] == ["periodic_failed"] * 2
    assert isinstance(second.error, TaskIdConflictError)
    assert third.due_at == NINE + timedelta(minutes=3)


@pytest.mark.slow
async def test_an_app_tells_of_the_ticks_of_its_scheduler(redis_url):
    app, events = App(redis_url, name="shop"), []

    @app.periodic("@every 1s", key="sweep")
    async def sweep():
        raise NotImplementedError

    app.on("periodic_enqueued", "worker_started")(keeper(events))
    async with app.scheduler().running():
        await eventually_async(lambda: events)

    assert (events[0].scheduler, events[0].key, events[0].task_type) == ("shop", "sweep", "sweep")


@pytest.mark.slow
async def test_listeners_of_a_manager_are_called_and_a_slow_one_delays_no_tick(redis_url):
    events, go_on = [], threading.Event()
    config = PeriodicTaskConfig(spec="@every 1s", task=Task("report"), key="sweep")
    manager = PeriodicTaskManager(redis_url, lambda: [config], name="shop")
    manager.on("periodic_enqueued")(lambda event: go_on.wait(20))
    manager.on("periodic_enqueued")(keeper(events))

    async with manager.running():
        await eventually_async(lambda: len(events) == 2)
        go_on.set()

    assert events[1].due_at > events[0].due_at


@pytest.mark.parametrize("make", [Scheduler, lambda: PeriodicTaskManager(None, list)])
def test_a_scheduler_refuses_events_that_do_not_happen_there(make):
    with pytest.raises(ConfigError, match="'archived' does not happen here") as caught:
        make().on("archived")
    with pytest.raises(ConfigError, match="events are 'periodic_enqueued', 'periodic_skipped'"):
        make().on("tock")

    assert "listen for it with `mux.on('archived')`" in str(caught.value)


async def test_a_scheduler_without_listeners_has_no_notifier(redis_url):
    async with Scheduler(redis_url).running() as scheduler:
        assert scheduler._parts.notifier is None


async def test_the_stop_leaves_a_listener_behind_that_never_ends(ticks, redis_url, monkeypatch):
    monkeypatch.setattr("pyasynq.scheduler.notifier.GRACE_S", 0.05)
    heard = asyncio.Event()

    async def hang(event):
        heard.set()
        await asyncio.Event().wait()

    scheduler = Scheduler(redis_url)
    scheduler.register("@every 1s", Task("report"))
    scheduler.on("periodic_enqueued")(hang)
    async with scheduler.running():
        await heard.wait()

    assert scheduler.status == "closed"
    assert not scheduler.has_leftovers
