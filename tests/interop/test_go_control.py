"""Pausing and cancelling reach the workers of the other language."""

import asyncio
import threading

import pytest

from pyasynq import retry
from pyasynq.worker.handlers.mux import ServeMux
from tests.support.eventually import eventually_async

CANCEL = "asynq:cancel"
STRICT = {"queues": {"default": 2, "low": 1}, "strict_priority": True, "concurrency": 1}


def collecting() -> tuple[ServeMux, list[str]]:
    mux, seen = ServeMux(), []

    @mux.handler("email")
    async def handle(ctx, task):
        seen.append(ctx.queue)

    return mux, seen


async def test_a_pause_by_go_stops_python_and_an_unpause_lets_it_go_on(peer, work):
    mux, seen = collecting()

    async with work.serving(mux, **STRICT):
        await peer.run("pause", "default")
        paused = await work.enqueue("email")
        # Each task of the lower queue is fetched after a look at the paused one.
        for _ in range(20):
            await work.until(await work.enqueue("email", queue="low"), None)
        seen_while_paused = list(seen)
        await peer.run("unpause", "default")
        await work.until(paused, None)

    assert seen_while_paused == ["low"] * 20
    assert seen == ["low"] * 20 + ["default"]


async def test_a_task_that_runs_when_go_pauses_the_queue_is_completed(peer, work):
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        await peer.run("pause", "default")
        return b"done"

    async with work.serving(mux):
        info = await work.enqueue("email", retention=60)
        await work.until(info, "completed")

    assert (await peer.get("default", info.id))["result"] == b"done"


async def test_a_queue_that_go_paused_is_shown_so_by_python(peer, work, inspector):
    await work.enqueue("email")

    await peer.run("pause", "default")
    paused = await inspector.queues.info("default")
    await peer.run("unpause", "default")
    running = await inspector.queues.info("default")

    assert (paused.is_paused, running.is_paused) == (True, False)


async def test_both_inspectors_count_a_queue_alike(peer, work, inspector):
    worker = await peer.serve()
    await work.until(await work.enqueue("fail"), "retry")
    await work.until(await work.enqueue("skip"), "archived")
    await work.until(await work.enqueue("echo", retention=60), "completed")
    await work.enqueue("email", process_in=60)
    await peer.enqueue("email", process_in=60)
    worker.kill()
    await work.enqueue("email", group="g")
    await peer.enqueue("email", group="h")
    await peer.enqueue("email")

    theirs, *_rest = await peer.run("inspect", "default")
    ours = await inspector.queues.info("default")

    assert theirs == {name: getattr(ours, name) for name in theirs}
    assert (ours.size, ours.processed, ours.failed) == (8, 3, 2)


async def subscribed(work) -> None:
    """Wait until the worker listens: nobody repeats a cancellation that nobody heard."""
    await eventually_async(lambda: work.redis.pubsub_numsub(CANCEL)[0][1] == 1)


async def test_go_cancels_a_handler_of_python(peer, work):
    mux = ServeMux()
    started, ended = asyncio.Event(), []

    @mux.handler("email")
    async def handle(ctx, task):
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(ctx.is_cancelled)

    async with work.serving(mux, retry_delay=retry.fixed(3600)):
        await subscribed(work)
        info = await work.enqueue("email")
        await started.wait()
        await peer.run("cancel", info.id)
        await work.until(info, "retry")

    found = await peer.get("default", info.id)
    assert ended == [True]
    assert (found["last_error"], found["retried"]) == ("context canceled", 1)


async def test_go_cancels_a_plain_function_that_looks(peer, work):
    mux = ServeMux()
    started = threading.Event()

    @mux.handler("email")
    def handle(ctx, task):
        started.set()
        while not ctx.is_cancelled:
            threading.Event().wait(0.005)

    async with work.serving(mux, retry_delay=retry.fixed(3600), cancel_grace=10):
        await subscribed(work)
        info = await work.enqueue("email")
        await eventually_async(started.is_set)
        await peer.run("cancel", info.id)
        await work.until(info, "retry")

    assert (await peer.get("default", info.id))["last_error"] == "context canceled"


async def test_go_cancels_one_task_and_no_other(peer, work):
    mux = ServeMux()
    started, release = [], asyncio.Event()

    @mux.handler("email")
    async def handle(ctx, task):
        started.append(ctx.task_id)
        await release.wait()

    async with work.serving(mux, retry_delay=retry.fixed(3600)):
        await subscribed(work)
        other, info = await work.enqueue("email"), await work.enqueue("email")
        await eventually_async(lambda: len(started) == 2)
        await peer.run("cancel", info.id)
        await work.until(info, "retry")
        assert work.state(other) == "active"
        release.set()
        await work.until(other, None)


async def test_python_cancels_a_handler_of_go(peer, work, inspector):
    worker = await peer.serve()
    await subscribed(work)
    info = await work.enqueue("wait")
    await eventually_async(lambda: worker.printed)
    heard = await inspector.tasks.cancel(info.id)
    await work.until(info, "retry")

    found = await inspector.tasks.get("default", info.id)
    assert heard == 1
    assert (found.last_error, found.retried) == ("context canceled", 1)


async def test_go_retries_a_cancelled_task_whatever_python_asked_for(peer, work, inspector):
    mux, started = ServeMux(), asyncio.Event()

    @mux.handler("wait")
    async def handle(ctx, task):
        started.set()
        await asyncio.Event().wait()

    worker = await peer.serve()
    await subscribed(work)
    info = await work.enqueue("wait", max_retry=2)
    await eventually_async(lambda: worker.printed)
    await inspector.tasks.cancel(info.id, then="drop")
    await work.until(info, "retry")
    shown = await peer.get("default", info.id)
    worker.kill()
    # What Go has left of the request does not concern the next attempt.
    work.redis.zadd("asynq:{default}:retry", {info.id: 1})
    async with work.serving(mux, retry_delay=retry.fixed(3600)):
        await started.wait()
        await eventually_async(lambda: work.redis.publish(CANCEL, info.id) > 0)
        await work.until(info, "retry")

    assert (shown["state"], shown["last_error"]) == ("retry", "context canceled")
    assert work.message(info).retried == 2


@pytest.mark.parametrize("noise", ["", "no-such-task", "x" * 100_000, "\x00é"])
async def test_noise_on_the_channel_of_cancellations_harms_no_worker(peer, work, noise):
    mux, seen = collecting()

    await peer.serve("low")
    async with work.serving(mux):
        await eventually_async(lambda: work.redis.pubsub_numsub(CANCEL)[0][1] == 2)
        work.redis.publish(CANCEL, noise)
        work.redis.publish(CANCEL, b"\xff\xfe")
        await work.until(await work.enqueue("email"), None)
        await work.until(await work.enqueue("email", queue="low"), None)

    assert seen == ["default"]
