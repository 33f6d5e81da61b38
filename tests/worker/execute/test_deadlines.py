"""An attempt ends at the earlier of timeout and deadline."""

from datetime import UTC, datetime, timedelta

import pytest

from pyasynq import retry
from pyasynq.worker.handlers.mux import ServeMux

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("is_async", [True, False])
async def test_a_task_whose_deadline_is_over_fails_without_its_handler(work, is_async):
    mux, called = ServeMux(), []

    async def handle(ctx, task):
        called.append("handler")

    def handle_in_a_thread(ctx, task):
        called.append("handler")

    async def middleware(ctx, call_next):
        called.append("middleware")
        return await call_next(ctx)

    mux.use(middleware)
    mux.add("email", handle if is_async else handle_in_a_thread)
    async with work.serving(mux, retry_delay=retry.fixed(3600)):
        info = await work.enqueue("email", deadline=LONG_AGO)
        await work.until(info, "archived")

    message = work.message(info)
    assert called == []
    assert message.error_msg.startswith("context deadline exceeded; not retried")
    assert message.retried == 0
    assert work.count("failed") == 1


async def test_a_handler_sees_the_earlier_of_both(work):
    mux, seen = ServeMux(), {}
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=100)

    @mux.handler("email")
    async def handle(ctx, task):
        seen[task.payload] = ctx.deadline, ctx.remaining()

    async with work.serving(mux):
        first = await work.enqueue("email", b"deadline", timeout=1000, deadline=soon)
        second = await work.enqueue("email", b"timeout", timeout=10, deadline=soon)
        for info in (first, second):
            await work.until(info, None)

    assert seen[b"deadline"][0] == soon
    assert timedelta(seconds=90) > soon - seen[b"timeout"][0] > timedelta(seconds=0)
    assert seen[b"timeout"][1] <= timedelta(seconds=10)
