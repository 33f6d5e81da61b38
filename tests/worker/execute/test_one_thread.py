"""The thread of a task ends with it, whatever becomes of the other side."""

import asyncio
import threading

import pytest

from pyasynq.errors import ServerStateError
from pyasynq.worker.execute.one_thread import OneThread
from pyasynq.worker.thread_pool import ThreadPool
from tests.support.eventually import eventually_async


@pytest.fixture
def pool():
    pool = ThreadPool(1)
    yield pool
    pool.close()


async def test_a_thread_whose_asyncio_task_is_gone_waits_no_longer(pool):
    thread, ended, waits = OneThread(pool), [], asyncio.Event()

    async def wait_for_ever():
        waits.set()
        await asyncio.Event().wait()

    def function():
        try:
            thread.wait_for(wait_for_ever)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    work = thread.run(function, depth=1)
    message = work.send(None)
    await eventually_async(message.done)
    work.send(None)
    assert waits.is_set()
    work.close()  # as when an event loop is closed before its asyncio tasks have ended
    await eventually_async(lambda: pool.busy == 0)

    assert ended == ["cancelled"]


async def test_a_function_that_waits_for_a_thread_when_the_pool_closes_is_cancelled(pool):
    may_end = threading.Event()
    first = asyncio.create_task(OneThread(pool).run(may_end.wait, depth=1))
    second = asyncio.create_task(OneThread(pool).run(may_end.wait, depth=1))
    await eventually_async(lambda: pool.busy == 2)

    pool.close()
    await asyncio.wait({second}, timeout=20)
    may_end.set()

    assert second.cancelled()
    assert await first is True


async def test_a_function_that_is_cancelled_before_it_has_a_thread_is_never_called(pool):
    may_end, called = threading.Event(), []
    first = asyncio.create_task(OneThread(pool).run(may_end.wait, depth=1))
    second = asyncio.create_task(OneThread(pool).run(lambda: called.append(1), depth=1))
    await eventually_async(lambda: pool.busy == 2)

    second.cancel()
    await asyncio.wait({second}, timeout=20)
    may_end.set()
    await first

    assert second.cancelled()
    assert called == []


async def test_a_cancelled_function_is_waited_for_to_its_end(pool):
    begun, may_end, ended = threading.Event(), threading.Event(), []

    def function():
        begun.set()
        may_end.wait()
        ended.append(1)

    running = asyncio.create_task(OneThread(pool).run(function, depth=1))
    await eventually_async(begun.is_set)
    running.cancel()
    await asyncio.sleep(0)
    assert not running.done()
    may_end.set()
    await asyncio.wait({running}, timeout=20)

    assert ended == [1]
    assert running.cancelled()


async def test_a_function_that_runs_on_the_loop_is_told_that_it_cannot_wait_there(pool):
    with pytest.raises(ServerStateError, match="cannot wait on the event loop"):
        OneThread(pool).wait_for(asyncio.Event().wait)
