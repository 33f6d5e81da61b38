"""The error handler of a server is called once for every attempt that fails."""

import asyncio
import contextlib
import logging
import threading

import pytest

from pyasynq import retry
from pyasynq.control_flow import RetryLater, RevokeTask, SkipRetry
from pyasynq.worker.handlers.mux import ServeMux
from tests.support.eventually import eventually_async

LATE = {"retry_delay": retry.fixed(3600)}


class Recorder:
    """An error handler that records its calls."""

    def __init__(self) -> None:
        self.errors = []

    def __call__(self, ctx, task, error):
        self.errors.append((ctx.task_id, type(error).__name__, str(error)))


def mux_of(handle, kind="email"):
    mux = ServeMux()
    mux.add(kind, handle)
    return mux


@pytest.mark.parametrize(
    ("error", "state"),
    [(SkipRetry("no"), "archived"), (RevokeTask("no"), None), (RetryLater(3600), "retry")],
)
async def test_it_is_called_for_what_a_handler_decides_about_its_task(work, error, state):
    recorder = Recorder()

    async def handle(ctx, task):
        raise error

    async with work.serving(mux_of(handle), error_handler=recorder):
        info = await work.enqueue("email")
        await work.until(info, state)

    assert recorder.errors == [(info.id, type(error).__name__, str(error))]


async def test_it_is_called_for_a_type_without_handler(work):
    recorder = Recorder()

    async with work.serving(ServeMux(), error_handler=recorder, **LATE):
        info = await work.enqueue("email")
        await work.until(info, "retry")

    assert recorder.errors == [
        (info.id, "HandlerNotFoundError", 'handler not found for task "email"')
    ]


async def test_it_is_called_for_a_task_that_takes_too_long(work):
    recorder = Recorder()

    async def handle(ctx, task):
        await asyncio.Event().wait()

    async with work.serving(mux_of(handle), error_handler=recorder, **LATE):
        info = await work.enqueue("email", timeout=1)
        await work.until(info, "retry")

    assert recorder.errors == [(info.id, "TimeoutError", "context deadline exceeded")]


async def test_it_is_called_once_for_a_handler_that_does_not_end(work):
    recorder, release = Recorder(), threading.Event()

    def handle(ctx, task):
        release.wait(20)
        raise ValueError("too late")

    async with work.serving(mux_of(handle), error_handler=recorder, cancel_grace=0, **LATE):
        info = await work.enqueue("email", timeout=1)
        await work.until(info, "retry")
        release.set()

    assert recorder.errors == [(info.id, "TimeoutError", "context deadline exceeded")]


async def test_it_is_called_for_a_lost_lease(work):
    recorder, started, ended = Recorder(), asyncio.Event(), asyncio.Event()

    async def handle(ctx, task):
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async with work.serving(mux_of(handle), error_handler=recorder, lease_duration=600):
        info = await work.enqueue("email")
        await started.wait()
        work.redis.hset(f"asynq:{{default}}:t:{info.id}", "owner", "somebody else")
        await ended.wait()
        await eventually_async(lambda: recorder.errors)

    assert recorder.errors == [(info.id, "PyasynqError", "asynq: task lease expired")]
    assert work.state(info) == "active"


async def test_it_is_not_called_for_a_task_that_is_requeued_at_the_shutdown(work):
    recorder, started = Recorder(), asyncio.Event()

    async def handle(ctx, task):
        started.set()
        await asyncio.Event().wait()

    async with work.serving(mux_of(handle), error_handler=recorder, shutdown_timeout=0.05):
        info = await work.enqueue("email")
        await started.wait()

    assert (work.state(info), recorder.errors) == ("pending", [])


async def test_it_is_called_for_a_handler_that_ends_just_when_its_grace_is_over(work):
    recorder, release = Recorder(), asyncio.Event()

    class Releasing(logging.Handler):
        def emit(self, record):
            if "goes on although" in record.getMessage():
                release.set()

    async def handle(ctx, task):
        while not release.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await release.wait()

    log, releasing = logging.getLogger("pyasynq.executor"), Releasing()
    log.addHandler(releasing)
    try:
        async with work.serving(mux_of(handle), error_handler=recorder, cancel_grace=0.05, **LATE):
            info = await work.enqueue("email", timeout=1)
            await work.until(info, "retry")
    finally:
        log.removeHandler(releasing)

    assert [task_id for task_id, *_error in recorder.errors] == [info.id]


async def test_a_shutdown_lets_it_finish(work):
    release, called, steps = threading.Event(), asyncio.Event(), []

    def handle(ctx, task):
        release.wait(20)

    async def on_error(ctx, task, error):
        called.set()
        await asyncio.sleep(0.2)  # longer than the rest of the shutdown takes
        steps.append(str(error))

    settings = {"error_handler": on_error, "cancel_grace": 0.5, "shutdown_timeout": 0.05, **LATE}
    async with work.serving(mux_of(handle), **settings):
        info = await work.enqueue("email", timeout=1)
        await called.wait()

    release.set()
    assert (work.state(info), steps) == ("retry", ["context deadline exceeded"])
