"""Plain functions of the user in threads: where they run, and what a cancellation does."""

import asyncio
import contextlib
import gc
import random
import threading
from contextvars import ContextVar, copy_context

import pytest

from pyasynq.worker.thread_pool import ThreadPool
from pyasynq.worker.threads import Call
from tests.support.eventually import eventually_async

SIZE = 4
color: ContextVar[str] = ContextVar("color")


@pytest.fixture
async def pool():
    pool = ThreadPool(SIZE)
    yield pool
    pool.close()


class Noted(Call):
    """A call that notes its end."""

    __slots__ = ("order",)

    def ended(self):
        self.order.append(self.value)


def noted(order, function, *arguments):
    call = Noted(copy_context(), function, arguments)
    call.order = order
    return call


async def test_a_function_returns_and_raises_as_if_it_had_been_called(pool):
    assert await pool.run(divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await pool.run(divmod, 7, 0)
    with pytest.raises(SystemExit):
        await pool.run(exit, 3)
    assert await pool.run(divmod, 9, 2) == (4, 1)
    assert pool.busy == 0


async def test_functions_that_wait_for_each_other_have_a_thread_each(pool):
    together = threading.Barrier(SIZE, timeout=20)

    places = await asyncio.gather(*(pool.run(together.wait) for _ in range(SIZE)))

    assert sorted(places) == list(range(SIZE))


async def test_there_are_never_more_threads_than_asked_for(pool):
    now, most, lock = [0], [0], threading.Lock()

    def count():
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        threading.Event().wait(0.001)
        with lock:
            now[0] -= 1
        return threading.current_thread().name

    names = await asyncio.gather(*(pool.run(count) for _ in range(20 * SIZE)))

    assert most[0] <= SIZE
    assert set(names) <= {f"pyasynq handler_{number}" for number in range(SIZE)}


async def test_threads_do_not_keep_the_interpreter_from_its_end(pool):
    assert (await pool.run(threading.current_thread)).daemon


async def test_functions_of_one_thread_run_in_their_order():
    pool, order = ThreadPool(1), []
    for number in range(100):
        pool.start(noted(order, lambda number=number: number))
    await eventually_async(lambda: len(order) == 100)
    pool.close()

    assert order == list(range(100))


async def test_many_short_functions_wake_the_loop_a_few_times_only(monkeypatch):
    loop, pool, order, wakings = asyncio.get_running_loop(), ThreadPool(2), [], []
    wake = loop.call_soon_threadsafe

    class Counting:
        """The loop, as the threads of the pool see it."""

        is_closed = loop.is_closed
        call_soon = loop.call_soon

        def call_soon_threadsafe(self, *call):
            wakings.append(call)
            return wake(*call)

    pool._loop = Counting()
    for number in range(1000):
        pool.start(noted(order, lambda number=number: number))
    await eventually_async(lambda: len(order) == 1000)
    pool.close()

    assert sorted(order) == list(range(1000))
    assert len(wakings) < 100


async def test_a_call_whose_end_fails_does_not_keep_back_the_others():
    loop, pool, order = asyncio.get_running_loop(), ThreadPool(1), []
    failures: list[object] = []
    loop.set_exception_handler(lambda _loop, trouble: failures.append(trouble["exception"]))

    class Failing(Noted):
        def ended(self):
            super().ended()
            raise ValueError("bad")

    for number in range(4):
        call = Failing(copy_context(), int, (number,))
        call.order = order
        pool._ended.append(call)  # they end at once
        pool._unfinished += 1
    pool.start(noted(order, int))
    await eventually_async(lambda: len(order) == 5)
    pool.close()

    assert [str(each) for each in failures] == ["bad"] * 4


async def test_a_function_finds_the_context_variables_of_its_caller_and_changes_only_a_copy(pool):
    def change():
        found = color.get()
        color.set("red")
        return found

    color.set("blue")

    assert [await pool.run(change) for _ in range(2)] == ["blue", "blue"]
    assert color.get() == "blue"


async def test_a_cancelled_function_that_waits_for_a_thread_is_never_called(pool):
    may_end, called = threading.Event(), []
    busy = [asyncio.create_task(pool.run(may_end.wait)) for _ in range(SIZE)]
    waiting = asyncio.create_task(pool.run(called.append, 1))
    await eventually_async(lambda: pool.busy == SIZE + 1)

    waiting.cancel()
    await asyncio.wait({waiting})
    may_end.set()
    await asyncio.gather(*busy)

    assert waiting.cancelled()
    assert called == []
    assert pool.busy == 0


@pytest.mark.parametrize("fails", [False, True])
async def test_a_cancellation_waits_for_the_function_whose_exception_wins(pool, fails):
    started, may_end = threading.Event(), threading.Event()

    def function():
        started.set()
        may_end.wait(20)
        if fails:
            raise ValueError("bad")

    task = asyncio.create_task(pool.run(function))
    await eventually_async(started.is_set)
    for _ in range(3):
        task.cancel()
        await asyncio.sleep(0)
    assert not task.done()
    may_end.set()

    with pytest.raises(ValueError if fails else asyncio.CancelledError):
        await task


async def test_what_waits_when_the_pool_closes_is_cancelled_and_what_runs_goes_on(pool):
    may_end = threading.Event()
    busy = [asyncio.create_task(pool.run(may_end.wait)) for _ in range(SIZE)]
    waiting = asyncio.create_task(pool.run(may_end.wait))
    await eventually_async(lambda: pool.busy == SIZE + 1)

    pool.close()
    await asyncio.wait({waiting})
    may_end.set()

    assert waiting.cancelled()
    assert await asyncio.gather(*busy) == [True] * SIZE


async def test_a_closed_pool_leaves_no_thread_behind():
    before, pool = set(threading.enumerate()), ThreadPool(SIZE)
    together = threading.Barrier(SIZE, timeout=20)
    await asyncio.gather(*(pool.run(together.wait) for _ in range(SIZE)))

    pool.close()

    await eventually_async(lambda: not set(threading.enumerate()) - before)


async def test_a_closed_pool_takes_nothing_more(pool):
    await pool.run(int)
    pool.close()

    with pytest.raises(RuntimeError, match="no thread can be started"):
        await pool.run(int)


async def test_where_no_thread_can_be_started_the_call_fails_and_a_later_one_may_do_well(
    pool, monkeypatch
):
    def refuse(_thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="no thread can be started"):
            await pool.run(int)

    assert await pool.run(int, "7") == 7
    assert pool.busy == 0


async def test_where_only_some_threads_can_be_started_they_do_all_the_work(pool, monkeypatch):
    await pool.run(int)

    def refuse(_thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    found = await asyncio.gather(*(pool.run(int, str(number)) for number in range(50)))

    assert found == list(range(50))


def test_the_end_of_a_loop_ends_the_threads_that_would_wake_it():
    may_end, before = threading.Event(), set(threading.enumerate())

    async def leave_running():
        pool.start(noted([], may_end.wait))
        await eventually_async(lambda: pool.busy == 1)

    pool = ThreadPool(1)
    with asyncio.Runner() as runner:
        runner.run(leave_running())
    (thread,) = set(threading.enumerate()) - before
    may_end.set()
    thread.join(20)

    assert not thread.is_alive()


async def test_an_error_leaves_no_cycle_for_the_garbage_collector(pool):
    def fail():
        raise ValueError("bad")

    await pool.run(int)
    gc.collect()
    gc.disable()
    try:
        for _ in range(10):
            with contextlib.suppress(ValueError):
                await pool.run(fail)
        assert gc.collect() == 0
    finally:
        gc.enable()


@pytest.mark.parametrize("seed", range(10))
async def test_whatever_is_cancelled_when_each_call_ends_once(seed):
    chance, pool = random.Random(seed), ThreadPool(3)
    begun = [0] * 300

    def function(number, pause_s):
        begun[number] += 1
        if pause_s:
            threading.Event().wait(pause_s)
        return number

    async def call(number):
        await asyncio.sleep(chance.choice([0, 0, 0.001]))
        return await pool.run(function, number, chance.choice([0, 0, 0, 0.0005]))

    tasks = [asyncio.create_task(call(number)) for number in range(len(begun))]
    for task in chance.sample(tasks, 100):
        await asyncio.sleep(0)
        task.cancel()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    pool.close()

    assert max(begun) == 1
    assert pool.busy == 0
    for number, result in enumerate(found):
        assert result == number or isinstance(result, asyncio.CancelledError)
