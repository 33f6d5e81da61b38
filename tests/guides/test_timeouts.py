"""The guide to timeouts: its code is code that runs here."""

import asyncio
import threading
from contextlib import contextmanager
from datetime import timedelta

from pyasynq import App, TaskContext
from pyasynq.testing import FakeClock, task_context

closed = []
ending = threading.Event()


@contextmanager
def opened(name):
    try:
        yield name
    finally:
        closed.append(name)


async def download(url, timeout_s):
    await asyncio.sleep(timeout_s)


app = App()


@app.task(timeout=1, max_retry=0)
async def fetch(url: str) -> None:
    with opened(url):
        await asyncio.sleep(3600)  # is cancelled here when the time is up


@app.task(timeout=1, max_retry=0, retention=600)
def convert(ctx: TaskContext, pages: list[str]) -> int:
    done = 0
    for page in pages:
        if ctx.is_cancelled:
            break  # out of time, cancelled, or the worker stops
        render(page, ctx)
        done += 1
    return done


def render(page, ctx):
    while not ctx.is_cancelled:
        ending.wait(0.01)


@app.task(timeout=30)
async def mirror(ctx: TaskContext, url: str) -> None:
    await download(url, timeout_s=ctx.remaining().total_seconds() - 1)


def test_a_coroutine_is_cancelled_where_it_waits():
    with app.testing() as harness:
        fetch.enqueue("https://example.com")
        (handled,) = harness.run_pending()
        (task,) = harness.tasks()

    assert closed == ["https://example.com"]
    assert isinstance(handled.error, TimeoutError)
    assert (task.state, task.last_error) == ("archived", "context deadline exceeded")


def test_a_plain_function_is_told_and_what_it_returns_then_is_dropped():
    with app.testing() as harness:
        handle = convert.enqueue(["one", "two"])
        (handled,) = harness.run_pending()

        assert isinstance(handled.error, TimeoutError)
        assert (handle.info().state, handle.info().result) == ("archived", None)


async def test_a_handler_knows_how_much_time_is_left():
    context = task_context(timeout=1.01, clock=FakeClock())

    await mirror(context, "https://example.com")

    assert context.remaining() == timedelta(seconds=1.01)


def test_a_handler_stops_when_it_is_told_to():
    context = task_context()
    context.cancel()

    assert convert(context, ["one", "two"]) == 0


def test_a_task_without_limits_has_thirty_minutes():
    with app.testing() as harness:
        shop = App(harness.url)

        @shop.task
        def pack(order: int) -> None: ...

        info = pack.enqueue(1).info()
        unlimited = pack.options(timeout=0).enqueue(1).info()
        shop.close()

    assert (info.timeout, unlimited.timeout) == (timedelta(minutes=30), timedelta(minutes=30))


def test_a_limit_is_stored_in_whole_seconds():
    with app.testing():
        info = fetch.options(timeout=0.2).enqueue("https://example.com").info()

    assert info.timeout == timedelta(seconds=1)


def test_a_deadline_holds_for_all_attempts_and_the_earlier_limit_counts():
    with app.testing() as harness:
        deadline = harness.clock.now + timedelta(hours=1)
        info = fetch.options(deadline=deadline, timeout=60).enqueue("https://example.com").info()

        assert info.timeout == timedelta(seconds=60)
        assert info.deadline == deadline.replace(microsecond=0)
