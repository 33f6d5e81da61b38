"""Cancellations that are published reach the tasks that run."""

import asyncio

from pyasynq.worker.handlers.mux import ServeMux
from tests.support.eventually import eventually_async


async def test_subscriber_cancels_a_running_task(work):
    started, ended = asyncio.Event(), []
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(ctx.is_cancelled)

    async with work.serving(mux):
        info = await work.enqueue("email", max_retry=0)
        await started.wait()
        await eventually_async(lambda: work.redis.publish("asynq:cancel", info.id) > 0)
        await work.until(info, "archived")

    assert ended == [True]
    assert work.message(info).error_msg == "context canceled"
