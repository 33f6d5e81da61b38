"""Whatever a listener does, it harms neither what events are about nor another listener."""

import asyncio
import dataclasses
import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pyasynq.events.delivery import Delivery
from pyasynq.events.event import EVENT_NAMES, TASK_EVENTS, WORKER_EVENTS
from pyasynq.events.inbox import MOST_EVENTS
from pyasynq.events.listeners import Listeners
from pyasynq.lifecycle.component import running
from pyasynq.lifecycle.shutdown import ShutdownBudget
from tests.support.eventually import eventually_async
from tests.support.listening import make_event


class Published:
    """A delivery with a harmful listener, and one beside it that keeps what it gets."""

    def __init__(self, *listeners, grace_s=0.05):
        self.kept, self.counts = [], []
        registered = Listeners()
        for each in (*listeners, self._keep):
            registered.register(EVENT_NAMES)(each)
        self.delivery = Delivery(
            list(registered),
            ThreadPoolExecutor(len(listeners) + 1, thread_name_prefix="pyasynq listener"),
            count=lambda *what: self.counts.append(what),
            grace_s=grace_s,
        )

    name = "notifier"

    async def _keep(self, event):
        self.kept.append(event)

    async def run(self, life):
        await self.delivery.run(life)

    def publish(self, *names):
        for name in names:
            self.delivery.publish(name, lambda name=name: make_event(name))

    def counted(self, counter):
        return sum(what[0] == counter for what in self.counts)


RELEASE = threading.Event()


@pytest.fixture(autouse=True)
def _release():
    RELEASE.clear()
    yield
    RELEASE.set()


async def hang(event):
    await asyncio.Event().wait()


async def refuse_to_end(event):
    while not RELEASE.is_set():
        try:
            await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            continue


def block_a_thread(event):
    RELEASE.wait(20)


def mutate(event):
    for field in dataclasses.fields(event):
        object.__setattr__(event, field.name, None)


async def mutate_deeply(event):
    held = [event.queues, event.counts] if hasattr(event, "queues") else [event.task.headers]
    for each in held:
        each.clear()
        each["x"] = 1


def raising(error):
    def fail(event):
        raise error

    async def fail_on_loop(event):
        raise error

    return [fail, fail_on_loop]


class OddError(Exception):
    def __str__(self):
        raise SystemExit(3)


@pytest.mark.parametrize(
    "listener",
    [
        hang,
        refuse_to_end,
        block_a_thread,
        mutate,
        mutate_deeply,
        *raising(ValueError("bad")),
        *raising(SystemExit(3)),
        *raising(KeyboardInterrupt()),
        *raising(GeneratorExit()),
        *raising(asyncio.CancelledError()),
        *raising(StopIteration()),
        *raising(OddError()),
    ],
)
async def test_another_listener_gets_every_event_as_it_was_and_the_stop_is_bounded(listener):
    published = Published(listener)

    async with running([published]):
        published.publish(*EVENT_NAMES)
        await eventually_async(lambda: len(published.kept) == len(EVENT_NAMES))

    assert published.kept == [make_event(name) for name in EVENT_NAMES]
    RELEASE.set()
    await eventually_async(lambda: not published.delivery.has_leftovers)


@pytest.mark.parametrize("listener", raising(SystemExit(3)))
async def test_each_failure_is_counted_and_one_is_logged(listener, caplog):
    published = Published(listener)

    async with running([published]):
        published.publish(*EVENT_NAMES)

    assert published.counted("listener_failures") == len(EVENT_NAMES)
    assert [each.levelno for each in caplog.records] == [logging.ERROR]


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("archived", "of task 5f0c"),
        ("worker_started", "of server s1"),
        ("periodic_failed", "of entry e1"),
    ],
)
async def test_the_log_says_what_a_failed_event_was_about(name, subject, caplog):
    published = Published(raising(ValueError("bad"))[0])

    async with running([published]):
        published.publish(name)

    (line,) = caplog.records
    assert f"failed on '{name}' {subject}; more ValueError of it" in line.getMessage()


async def test_a_listener_that_is_slow_for_ten_thousand_events_loses_some_and_delays_nothing():
    published = Published(hang)

    async with running([published]):
        for count in range(1000, 12_000, 1000):
            published.publish(*["succeeded"] * 1000)
            await eventually_async(lambda count=count: len(published.kept) == count)
        published.publish(*WORKER_EVENTS)
        await eventually_async(lambda: len(published.kept) == 11_002)

    assert published.counted("events_dropped") == 11_000 - MOST_EVENTS - 1  # which it has now


@pytest.mark.slow
async def test_a_second_signal_does_not_wait_for_listeners():
    published, budget = Published(hang, grace_s=3600), ShutdownBudget()

    async with running([published], budget):
        published.publish(*TASK_EVENTS)
        await eventually_async(lambda: len(published.kept) == len(TASK_EVENTS))
        budget.hurry()

    assert not published.delivery.has_leftovers


async def test_what_goes_on_nevertheless_is_known():
    published = Published(block_a_thread, grace_s=0.05)

    async with running([published]):
        published.publish("archived")
        await eventually_async(lambda: published.kept)

    assert published.delivery.has_leftovers
    RELEASE.set()
    await eventually_async(lambda: not published.delivery.has_leftovers)
