"""How handlers run, and what becomes of their tasks."""

import asyncio
import threading
import time

import pytest

from pyasynq import retry
from pyasynq.clock import SystemClock
from pyasynq.control_flow import RetryLater, RevokeTask, SkipRetry
from pyasynq.worker.attempt.running_task import Ending
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.execute.executor import Executor
from pyasynq.worker.handlers.context import Scope, current_context
from pyasynq.worker.handlers.mux import ServeMux, TaskSettings
from pyasynq.worker.task_log import TaskLog
from tests.support.builders import make_resources, make_running
from tests.support.eventually import eventually_async


async def test_plain_functions_run_in_threads_side_by_side(work):
    both = threading.Barrier(2, timeout=10)
    names = []
    mux = ServeMux()

    @mux.handler("email")
    def handle(ctx, task):
        both.wait()
        names.append((threading.current_thread() is threading.main_thread(), current_context()))

    async with work.serving(mux):
        infos = [await work.enqueue("email") for _ in range(2)]
        for info in infos:
            await work.until(info, None)

    assert [is_main for is_main, _context in names] == [False, False]
    assert {context.task_id for _is_main, context in names} == {info.id for info in infos}


async def test_no_more_handlers_run_than_slots(work):
    running, most = 0, 0
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        running -= 1

    infos = [await work.enqueue("email") for _ in range(30)]
    async with work.serving(mux, concurrency=3):
        for info in infos:
            await work.until(info, None)

    assert most == 3


async def test_a_failure_is_retried_and_then_archived(work):
    attempts = []
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        attempts.append((ctx.attempt, ctx.is_last_attempt))
        raise ValueError("bad address")

    async with work.serving(mux, retry_delay=retry.fixed(0.05)):
        info = await work.enqueue("email", max_retry=2)
        await work.until(info, "archived")

    assert attempts == [(1, False), (2, False), (3, True)]
    message = work.message(info)
    assert (message.retried, message.retry) == (2, 2)
    assert message.error_msg.startswith(
        "ValueError: bad address [tests/worker/execute/test_executor.py:"
    )
    assert (work.count("processed"), work.count("failed")) == (3, 3)


async def test_a_handler_decides_what_becomes_of_its_task(work):
    mux = ServeMux()
    deferred = []

    @mux.handler("skip")
    async def skip(ctx, task):
        raise SkipRetry("never again")

    @mux.handler("revoke")
    def revoke(ctx, task):
        raise RevokeTask

    @mux.handler("later")
    async def later(ctx, task):
        deferred.append(ctx.retry_count)
        if len(deferred) < 3:
            raise RetryLater(0.05)

    async with work.serving(mux):
        skipped, revoked = await work.enqueue("skip"), await work.enqueue("revoke")
        put_off = await work.enqueue("later", max_retry=0)
        await work.until(skipped, "archived")
        await work.until(revoked, None)
        await work.until(put_off, None)

    assert deferred == [0, 0, 0]
    assert work.count("failed") == 1


async def test_a_type_without_handler_fails_in_the_words_of_go(work):
    async with work.serving(ServeMux()):
        info = await work.enqueue("unknown", max_retry=0)
        await work.until(info, "archived")

    assert work.message(info).error_msg == 'handler not found for task "unknown"'


async def test_middlewares_wrap_every_handler_in_order(work):
    log = []
    mux = ServeMux()

    def named(name):
        async def middleware(ctx, call_next):
            log.append(f"{name} in")
            try:
                return await call_next(ctx)
            finally:
                log.append(f"{name} out")

        return middleware

    mux.use(named("outer"), named("inner"))

    @mux.handler("email")
    def handle(ctx, task):
        log.append("handler")

    async with work.serving(mux):
        await work.until(await work.enqueue("email"), None)
        await work.until(await work.enqueue("unknown", max_retry=0), "archived")

    inside = ["outer in", "inner in", "inner out", "outer out"]
    assert log == [*inside[:2], "handler", *inside[2:], *inside]


async def test_a_task_that_takes_too_long_is_ended_with_the_error_text_of_go(work):
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        await asyncio.Event().wait()

    async with work.serving(mux):
        info = await work.enqueue("email", timeout=1, max_retry=0)
        await work.until(info, "archived")

    assert work.message(info).error_msg == "context deadline exceeded"


async def test_a_slot_stays_taken_until_a_stubborn_handler_ends(work):
    release, order = threading.Event(), []
    mux = ServeMux()

    @mux.handler("stubborn")
    def stubborn(ctx, task):
        release.wait(20)
        order.append("stubborn ends")

    @mux.handler("email")
    async def handle(ctx, task):
        order.append("email")

    async with work.serving(mux, concurrency=1):
        info = await work.enqueue("stubborn", timeout=1, max_retry=0)
        await work.until(info, "archived")  # settled after the grace, although it goes on
        other = await work.enqueue("email")
        release.set()
        await work.until(other, None)

    assert order == ["stubborn ends", "email"]


async def test_an_expired_task_is_dropped_without_running(work):
    ran = []
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        ran.append(task)

    info = await work.enqueue("email", expires=0)
    async with work.serving(mux):
        await work.until(info, None)

    assert ran == []


async def test_error_handler_is_called_for_every_failed_attempt_and_may_fail_itself(work):
    called = []
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        raise ValueError("bad")

    def on_error(ctx, task, error):
        called.append((ctx.attempt, task.type, str(error)))
        raise RuntimeError("the handler of errors fails too")

    settings = {"error_handler": on_error, "retry_delay": retry.fixed(0.02)}
    async with work.serving(mux, **settings):
        await work.until(await work.enqueue("email", max_retry=1), "archived")

    assert called == [(1, "email", "bad"), (2, "email", "bad")]


async def test_a_retry_policy_that_fails_gives_way_to_the_default(work):
    mux = ServeMux()

    def broken(retried, error, task):
        raise RuntimeError("no idea")

    @mux.handler("email", settings=TaskSettings(retry_delay=broken))
    async def handle(ctx, task):
        raise ValueError("bad")

    async with work.serving(mux):
        info = await work.enqueue("email")
        await work.until(info, "retry")

    due = work.redis.zscore("asynq:{default}:retry", info.id)
    assert due > time.time() + 5


async def test_a_large_payload_is_handled_and_logged(work, caplog):
    sizes = []
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        sizes.append(len(task.payload))

    infos = [await work.enqueue("email", bytes(11)) for _ in range(2)]
    async with work.serving(mux, max_payload_size=10):
        for info in infos:
            await work.until(info, None)

    assert sizes == [11, 11]
    assert len([each for each in caplog.records if each.name == "pyasynq.payload_size"]) == 1


@pytest.mark.parametrize("ending", [Ending.CANCELLED, Ending.TIMED_OUT, Ending.LEASE_LOST])
async def test_a_task_that_is_asked_to_end_before_its_start_never_starts(ending):
    loop, mux = asyncio.get_running_loop(), ServeMux()
    started, settled = [], []

    @mux.handler("email")
    async def handle(ctx, task):
        started.append(ctx.task_id)

    scope = Scope(server_id="s", clock=SystemClock(), loop=loop, write_result=None)
    executor = Executor(
        mux,
        make_resources(),
        scope,
        task_log=TaskLog(SystemClock()),
        settle=lambda running, _outcome: settled.append(running.message.id),
    )
    tasks = [make_running(name, ends_at=loop.time() + 60) for name in "abc"]
    for running in tasks:
        executor.launch(running)
    executor.end(tasks[1], ending)
    await eventually_async(lambda: not executor.running)
    await executor.close()

    assert started == ["a", "c"]
    assert sorted(settled) == ["a", "b", "c"]


def executor_of(mux, settled, **config):
    """Return an executor that notes what it settles."""
    loop = asyncio.get_running_loop()
    return Executor(
        mux,
        make_resources(config=ServerConfig(**config)),
        Scope(server_id="s", clock=SystemClock(), loop=loop, write_result=None),
        task_log=TaskLog(SystemClock()),
        settle=lambda _running, decided: settled.append(type(decided)),
    )


@pytest.mark.parametrize("ending", Ending)
async def test_a_plain_handler_that_is_asked_to_end_just_after_it_failed_leaves_its_slot(ending):
    loop, mux, settled, handled = asyncio.get_running_loop(), ServeMux(), [], []

    @mux.handler("email")
    def handle(ctx, task):
        raise ValueError("bad")

    executor = executor_of(mux, settled, error_handler=lambda *_args: handled.append(1))
    running = make_running("a", ends_at=loop.time() + 60)

    def make_task(loop, work, **settings):
        loop.call_soon(executor.end, running, ending)  # before the first step of the task
        return asyncio.Task(work, loop=loop, **settings)

    loop.set_task_factory(make_task)
    executor.launch(running)
    await eventually_async(lambda: not executor.running)
    loop.set_task_factory(None)
    await executor.close()

    assert len(settled) == 1


@pytest.mark.parametrize("ending", Ending)
async def test_what_a_plain_handler_returns_after_it_was_asked_to_end_never_begins(ending):
    loop, mux, settled, begun = asyncio.get_running_loop(), ServeMux(), [], []
    started, may_end = threading.Event(), threading.Event()

    async def go_on():
        begun.append(1)

    @mux.handler("email")
    def handle(ctx, task):
        started.set()
        may_end.wait(20)
        return go_on()

    executor = executor_of(mux, settled)
    running = make_running("a", ends_at=loop.time() + 60)
    executor.launch(running)
    await eventually_async(started.is_set)
    executor.end(running, ending)
    may_end.set()
    await eventually_async(lambda: not executor.running)
    await executor.close()

    assert (begun, len(settled)) == ([], 1)
