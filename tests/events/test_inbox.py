"""Listeners run beside the tasks and harm none: slow, failing, hanging, or too many events."""

import asyncio
import logging
import threading

import pytest

from pyasynq.events import inbox
from pyasynq.worker.counters import Count
from tests.support.eventually import eventually_async
from tests.support.listening import make_mux, recorder, succeed


async def test_plain_functions_run_in_threads_of_their_own(work):
    both = threading.Barrier(2, timeout=10)
    threads = []

    def handle(ctx, task):
        both.wait()  # the only thread for handlers is taken until the listener has run

    def listen(event):
        threads.append(threading.current_thread().name)
        both.wait()

    info = await work.enqueue("email")
    mux = make_mux(handle, listen, names=["started"])
    async with work.serving(mux, thread_pool_size=1):
        await work.until(info, None)

    assert [name.startswith("pyasynq listener") for name in threads] == [True]


async def test_a_plain_function_around_a_coroutine_is_awaited(work):
    names = []
    record = recorder(names)

    def listen(event):
        return record(event)

    info = await work.enqueue("email")
    async with work.serving(make_mux(succeed, listen)):
        await work.until(info, None)

    assert names == ["started", "succeeded"]


def raise_in_place(error):
    async def fail(event):
        raise error

    return fail


def raise_in_thread(error):
    def fail(event):
        raise error

    return fail


@pytest.mark.parametrize("listener", [raise_in_place, raise_in_thread])
@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("no"),
        StopIteration(),
        SystemExit(3),
        KeyboardInterrupt(),
        asyncio.CancelledError(),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_failing_listener_is_logged_once_and_harms_nothing(work, caplog, listener, error):
    names = []
    mux = make_mux(succeed, listener(error), recorder(names), names=["succeeded"])
    infos = [await work.enqueue("email") for _ in range(3)]
    async with work.serving(mux) as server:
        for info in infos:
            await work.until(info, None)

    assert names == ["succeeded"] * 3
    logged = [each for each in caplog.records if each.name == "pyasynq.notifier"]
    assert [each.levelno for each in logged] == [logging.ERROR]
    assert "fail failed on 'succeeded' of task" in logged[0].getMessage()
    assert server.counters.all() == [Count("listener_failures", "default", "succeeded", 3)]


async def test_a_slow_listener_holds_up_neither_tasks_nor_other_listeners(work):
    names, go_on = [], asyncio.Event()

    async def wait(event):
        await go_on.wait()

    infos = [await work.enqueue("email") for _ in range(5)]
    async with work.serving(make_mux(succeed, wait, recorder(names)), concurrency=1):
        for info in infos:
            await work.until(info, None)
        await eventually_async(lambda: len(names) == 10)
        go_on.set()


async def test_a_listener_gets_one_event_after_the_other_in_their_order(work):
    heard, at_once = [], 0

    async def listen(event):
        nonlocal at_once
        at_once += 1
        assert at_once == 1
        await asyncio.sleep(0)
        heard.append((event.task_id, event.name))
        at_once -= 1

    infos = [await work.enqueue("email") for _ in range(5)]
    async with work.serving(make_mux(succeed, listen), concurrency=1):
        for info in infos:
            await work.until(info, None)

    # The next task may start before the outcome of the last is written.
    assert [[name for task_id, name in heard if task_id == info.id] for info in infos] == [
        ["started", "succeeded"]
    ] * 5


def dropped(server):
    return sum(each.value for each in server.counters.all() if each.name == "events_dropped")


async def test_events_that_do_not_fit_are_counted_and_logged_once(work, caplog, monkeypatch):
    monkeypatch.setattr(inbox, "MOST_EVENTS", 2)
    heard, entered, go_on = [], asyncio.Event(), asyncio.Event()

    async def wait(event):
        entered.set()
        heard.append(event.task_id)
        await go_on.wait()

    mux = make_mux(succeed, wait, names=["succeeded"])
    async with work.serving(mux, concurrency=1) as server:
        infos = [await work.enqueue("email")]
        await entered.wait()
        infos += [await work.enqueue("email") for _ in range(5)]
        await eventually_async(lambda: dropped(server) == 3)
        go_on.set()

    assert heard == [info.id for info in infos[:3]]
    assert server.counters.all() == [Count("events_dropped", "default", "succeeded", 3)]
    texts = [each.getMessage() for each in caplog.records if each.name == "pyasynq.notifier"]
    assert len(texts) == 2
    assert "is too slow: 2 events wait" in texts[0]
    assert "has caught up; 3 events were dropped" in texts[1]


async def test_payloads_that_wait_are_bounded_too(work, monkeypatch):
    monkeypatch.setattr(inbox, "MOST_BYTES", 10)
    sizes, entered, go_on = [], asyncio.Event(), asyncio.Event()

    async def wait(event):
        entered.set()
        sizes.append(len(event.task.payload))
        await go_on.wait()

    mux = make_mux(succeed, wait, names=["succeeded"])
    async with work.serving(mux, concurrency=1) as server:
        for size in (1, 11, 1, 0):  # the second waits alone, however large
            await work.enqueue("email", b"x" * size)
            await entered.wait()
        await eventually_async(lambda: dropped(server) == 2)
        go_on.set()

    assert sizes == [1, 11]


async def hang_on_loop(event):
    await asyncio.Event().wait()


async def test_the_stop_waits_for_a_hanging_listener_no_longer_than_the_grace(work, caplog):
    mux = make_mux(succeed, hang_on_loop)
    info = await work.enqueue("email")
    async with work.serving(mux, cancel_grace=0.05) as server:
        await work.until(info, None)
        await eventually_async(lambda: work.count("processed") == 1)

    assert server.status == "closed"
    texts = [each.getMessage() for each in caplog.records if each.name == "pyasynq.notifier"]
    assert len(texts) == 1
    assert "hang_on_loop did not end within 0.05 s; 1 events are not delivered" in texts[0]


async def test_the_stop_leaves_a_hanging_thread_behind(work):
    release = threading.Event()
    mux = make_mux(succeed, lambda event: release.wait(20), names=["started"])
    info = await work.enqueue("email")
    async with work.serving(mux, cancel_grace=0.05) as server:
        await work.until(info, None)

    assert server.status == "closed"
    release.set()
