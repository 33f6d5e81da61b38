"""A middleware that makes a mistake fails the task; no task counts as done without its handler."""

import asyncio

import pytest

from pyasynq import retry
from pyasynq.worker.handlers.mux import ServeMux

LATE = {"retry_delay": retry.fixed(3600)}


@pytest.fixture
def ran():
    return []


@pytest.fixture
def mux(ran):
    mux = ServeMux()

    @mux.handler("loop")
    async def on_the_loop(ctx, task):
        await asyncio.sleep(0)
        ran.append("loop")

    @mux.handler("thread")
    def in_a_thread(ctx, task):
        ran.append("thread")

    return mux


async def forgets(ctx, call_next):
    call_next(ctx)


async def around(ctx, call_next):
    return await call_next(ctx)


@pytest.mark.parametrize("kind", ["loop", "thread"])
@pytest.mark.parametrize("middlewares", [[forgets], [around, forgets], [forgets, around]])
async def test_a_middleware_that_does_not_await_call_next_fails_the_task(
    work, mux, ran, kind, middlewares
):
    mux.use(*middlewares)

    async with work.serving(mux, **LATE):
        info = await work.enqueue(kind)
        await work.until(info, "retry")

    assert ran == []
    assert work.message(info).error_msg == (
        "middleware 'forgets' did not await call_next, so the handler has not run; "
        "write `return await call_next(ctx)`"
    )


@pytest.mark.parametrize("kind", ["loop", "thread"])
async def test_a_middleware_may_return_the_call_itself(work, mux, ran, kind):
    async def hands_on(ctx, call_next):
        return call_next(ctx)

    mux.use(hands_on, lambda ctx, call_next: call_next(ctx), hands_on, around)

    async with work.serving(mux):
        info = await work.enqueue(kind)
        await work.until(info, None)

    assert ran == [kind]


async def test_a_middleware_may_leave_the_handler_out(work, mux, ran):
    async def skips(ctx, call_next):
        return None

    mux.use(skips)

    async with work.serving(mux):
        info = await work.enqueue("loop")
        await work.until(info, None)

    assert ran == []
