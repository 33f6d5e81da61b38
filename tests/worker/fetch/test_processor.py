"""Tasks are taken from their queues and run."""

import asyncio

from pyasynq.worker.handlers.mux import ServeMux
from tests.support.signals import drained, fetched, flushed


async def test_processor_runs_a_task_and_deletes_it(work):
    seen = []
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        seen.append((task.type, task.payload, ctx.attempt, ctx.queue, ctx.task_id))

    async with work.serving(mux) as server:
        info = await work.enqueue("email", b'{"a":1}')
        await work.until_written(server, info)

    assert seen == [("email", b'{"a":1}', 1, "default", info.id)]
    assert (work.count("processed"), work.count("failed")) == (1, 0)
    assert work.redis.exists("asynq:{default}:active", "asynq:{default}:lease") == 0


async def test_a_paused_queue_is_left_alone(work):
    seen = []
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        seen.append(ctx.queue)

    work.redis.set("asynq:{paused}:paused", "1")
    async with work.serving(mux, queues={"paused": 9, "default": 1}) as server:
        left = await work.enqueue("email", queue="paused")
        with fetched(server).listening() as fetches:
            await work.enqueue("email")
            await drained(fetches)  # the last fetch looked at both queues
        assert work.state(left) == "pending"
        work.redis.delete("asynq:{paused}:paused")
        await work.until_written(server, left)

    assert seen == ["default", "paused"]


async def test_a_pause_while_tasks_run_lets_them_end_and_starts_no_other(work):
    mux, started, release, seen = ServeMux(), asyncio.Event(), asyncio.Event(), []

    @mux.handler("email")
    async def handle(ctx, task):
        seen.append(ctx.queue)
        if ctx.queue == "default":
            started.set()
            await release.wait()

    settings = {"queues": {"default": 2, "low": 1}, "strict_priority": True, "concurrency": 1}
    async with work.serving(mux, **settings) as server:
        runs = await work.enqueue("email")
        await started.wait()
        work.redis.set("asynq:{default}:paused", "1")
        waits = await work.enqueue("email")
        low = await work.enqueue("email", queue="low")
        release.set()
        await work.until_written(server, low)  # fetched after a look at the queue that is paused
        assert (work.state(runs), work.state(waits)) == (None, "pending")
        work.redis.delete("asynq:{default}:paused")
        await work.until_written(server, waits)

    assert seen == ["default", "low", "default"]


async def test_strict_priority_serves_the_higher_queue_first(work):
    seen = []
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        seen.append(ctx.queue)

    for queue in ("low", "high", "low", "high"):
        await work.enqueue("email", queue=queue)
    settings = {"queues": {"low": 1, "high": 2}, "strict_priority": True, "concurrency": 1}
    async with work.serving(mux, **settings) as server:
        await flushed(server).until(lambda: len(seen) == 4)

    assert seen == ["high", "high", "low", "low"]
