"""A pause that ends by itself, as a worker sees it."""

from datetime import UTC, datetime, timedelta

from pyasynq.inspector.inspector_async import AsyncInspector
from pyasynq.worker.handlers.mux import ServeMux


async def test_a_worker_goes_on_when_a_pause_ends_by_itself(work):
    paused = []
    mux = ServeMux()

    @mux.handler("email")
    async def note(ctx, task):
        paused.append(work.redis.exists("asynq:{default}:paused"))

    async with AsyncInspector(work.url) as inspector, work.serving(mux) as server:
        first = await work.enqueue("email")
        await work.until_written(server, first)
        until = datetime.now(UTC) + timedelta(milliseconds=500)
        await inspector.queues.pause("default", reason="a moment", until=until)
        second = await work.enqueue("email")
        was_left = work.state(second)
        await work.until_written(server, second)

    assert was_left == "pending"
    assert paused == [0, 0]
