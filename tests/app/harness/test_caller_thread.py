"""Plain functions run in the thread of a plain test."""

import asyncio
import contextvars
import sqlite3
import threading
import time

import pytest

from pyasynq.app import App
from pyasynq.errors import ServerStateError
from pyasynq.events.event import TaskEvent
from pyasynq.task import Task
from pyasynq.worker.handlers.context import TaskContext, current_context

app = App(thread_pool_size=1, cancel_grace=0.05)
seen: list[object] = []
is_interrupted = threading.Event()
variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


@pytest.fixture(autouse=True)
def nothing_seen():
    seen.clear()
    is_interrupted.clear()


@app.task
def where() -> None:
    seen.append(threading.get_ident())


@app.task
async def where_async() -> None:
    seen.append(threading.get_ident())


@app.task
def surroundings() -> list[str]:
    variable.set("changed")
    return [current_context().task_type, asyncio.run(answer())]


async def answer() -> str:
    return "from a loop of its own"


@app.task
def read_variable() -> str:
    return variable.get()


@app.task
def follow() -> None:
    where.enqueue()


@app.task(retention=60)
def progress(ctx: TaskContext) -> None:
    ctx.write_result(b"1")


@app.task(timeout=1)
def slow(ctx: TaskContext) -> None:
    while not ctx.is_cancelled:
        time.sleep(0.001)
    seen.append(ctx.is_cancelled)


@app.task(timeout=1)
def stubborn() -> None:
    ends_at = time.monotonic() + 1.2
    while time.monotonic() < ends_at:
        time.sleep(0.01)


def interrupt() -> None:
    is_interrupted.set()
    raise KeyboardInterrupt


@app.task
async def interrupted(after_s: float, goes_on_for_s: float) -> None:
    asyncio.get_running_loop().call_later(after_s, interrupt)
    await asyncio.sleep(goes_on_for_s)


@app.task
def wait_for_interrupt() -> None:
    is_interrupted.wait(10)


@app.task
def awaitable() -> object:
    return answer()


@app.task(group="g")
def item() -> None: ...


@app.aggregator("g")
def aggregate(group: str, tasks: list[Task]) -> Task | None:
    seen.append(threading.get_ident())
    return None


@app.task
def observed() -> None: ...


@app.on("succeeded")
def note(event: TaskEvent) -> None:
    if event.task.type == "observed":
        seen.append(threading.get_ident())


def test_plain_handlers_and_async_ones_run_in_the_thread_of_the_test():
    with app.testing() as harness:
        where.enqueue()
        where_async.enqueue()
        harness.run_pending(raises=True)

    assert seen == [threading.get_ident()] * 2


def test_plain_aggregators_and_listeners_run_in_the_thread_of_the_test_too():
    with app.testing() as harness:
        item.enqueue()
        harness.run_all()
        observed.enqueue()
        harness.run_pending()

    assert seen == [threading.get_ident()] * 2


def test_a_handler_sees_the_open_transaction_of_the_test():
    database = sqlite3.connect(":memory:", isolation_level=None)
    database.execute("CREATE TABLE orders (number INTEGER)")
    other = App()

    @other.task
    def count() -> int:
        return database.execute("SELECT count(*) FROM orders").fetchone()[0]

    with other.testing() as harness:
        database.execute("BEGIN")
        database.execute("INSERT INTO orders VALUES (1)")
        count.enqueue()
        (handled,) = harness.run_pending(raises=True)
        database.execute("ROLLBACK")
    database.close()

    assert handled.result == 1


@pytest.mark.parametrize("threads", [None, False, True])
def test_a_plain_handler_finds_its_context_and_no_running_loop(threads):
    with app.testing(threads=threads) as harness:
        surroundings.enqueue()
        (handled,) = harness.run_pending(raises=True)

    assert handled.result == ["surroundings", "from a loop of its own"]


@pytest.mark.parametrize("threads", [None, True])
def test_context_variables_of_the_test_are_seen_and_those_of_a_handler_stay_its_own(threads):
    token = variable.set("of the test")
    with app.testing(threads=threads) as harness:
        surroundings.enqueue()
        read_variable.enqueue()
        handled = harness.run_pending(raises=True)

    assert handled[1].result == "of the test"
    assert variable.get() == "of the test"
    variable.reset(token)


def test_a_plain_handler_enqueues_without_a_warning():
    with app.testing() as harness:
        follow.enqueue()

        assert [each.type for each in harness.run_pending(raises=True)] == ["follow", "where"]


def test_a_plain_handler_writes_a_result_meanwhile():
    with app.testing() as harness:
        handle = progress.enqueue()
        harness.run_pending(raises=True)

        assert handle.result(0) == 1


def test_what_a_plain_handler_returns_to_be_awaited_is_awaited():
    with app.testing() as harness:
        awaitable.enqueue()
        (handled,) = harness.run_pending(raises=True)

    assert handled.result == "from a loop of its own"


@pytest.mark.slow
def test_a_plain_handler_learns_that_its_time_is_up():
    with app.testing() as harness:
        slow.enqueue()
        (handled,) = harness.run_pending()

    assert isinstance(handled.error, TimeoutError)
    assert seen == [True]


@pytest.mark.slow
def test_a_plain_handler_that_goes_on_has_timed_out_all_the_same():
    with app.testing() as harness:
        handle = stubborn.enqueue()
        where.enqueue()
        harness.run_pending()

        assert handle.info().last_error == "context deadline exceeded"
    assert seen == [threading.get_ident()]


@pytest.mark.parametrize("threads", [None, True])
def test_an_interrupt_ends_the_run_and_all_that_it_has_started(threads):
    with app.testing(threads=threads) as harness:
        interrupted.enqueue(0, 60)
        with pytest.raises(KeyboardInterrupt):
            harness.run_pending()


def test_an_interrupt_while_a_plain_handler_runs_ends_the_run_after_it():
    with app.testing() as harness:
        interrupted.enqueue(0.02, 0)
        wait_for_interrupt.enqueue()
        with pytest.raises(KeyboardInterrupt):
            harness.run_pending()


def test_threads_are_used_where_the_test_wants_them():
    with app.testing(threads=True) as harness:
        where.enqueue()
        harness.run_pending()

    assert seen != [threading.get_ident()]


async def test_async_tests_run_plain_handlers_in_threads():
    async with app.testing() as harness:
        await where.aenqueue()
        await where_async.aenqueue()
        await harness.arun_pending(raises=True)

    assert seen[0] != threading.get_ident()
    assert seen[1] == threading.get_ident()


async def test_a_running_loop_leaves_no_room_for_plain_handlers_in_its_thread():
    async with app.testing(threads=False) as harness:
        with pytest.raises(ServerStateError, match="leave out threads=False"):
            await harness.arun_pending()


async def test_an_async_test_may_run_a_plain_one_in_another_thread():
    async with app.testing() as harness:
        await where.aenqueue()
        handled = await asyncio.to_thread(harness.run_pending, raises=True)

    assert [each.type for each in handled] == ["where"]
