"""A task that somebody else has taken over is left alone."""

import asyncio

import pytest

from pyasynq import retry
from pyasynq.control_flow import SkipRetry
from pyasynq.errors import TaskNotFoundError
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.server import Server
from tests.support.chaos_proxy import ChaosProxy
from tests.support.workplace import QUICK

KEY = "asynq:{default}:t:"
LONG = {"lease_duration": 600}  # nobody recovers what is lost before the test has looked at it


def take_over(work, info):
    """Take the task over, like a server that has recovered and dequeued it."""
    work.redis.hset(f"{KEY}{info.id}", "owner", "somebody else")


@pytest.mark.parametrize("says", ["return", "skip"])
async def test_a_handler_that_lost_its_lease_is_cancelled_and_its_word_not_written(work, says):
    mux, started, seen = ServeMux(), asyncio.Event(), asyncio.Queue()

    @mux.handler("email")
    async def handle(ctx, task):
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await seen.put(ctx.is_cancelled)
            if says == "skip":
                raise SkipRetry("lost") from None
        return b"late"

    async with work.serving(mux, **LONG):
        info = await work.enqueue("email", retention=60)
        await started.wait()
        take_over(work, info)
        is_cancelled = await seen.get()

    assert is_cancelled
    assert work.state(info) == "active"
    assert work.redis.hget(f"{KEY}{info.id}", "result") is None
    assert (work.count("processed"), work.count("failed")) == (0, 0)


async def test_a_slot_is_free_again_after_a_lost_lease(work):
    mux, started = ServeMux(), asyncio.Event()

    @mux.handler("email")
    async def handle(ctx, task):
        if not started.is_set():
            started.set()
            await asyncio.Event().wait()

    async with work.serving(mux, concurrency=1, **LONG):
        lost = await work.enqueue("email")
        await started.wait()
        after = await work.enqueue("email")
        take_over(work, lost)
        await work.until(after, None)

    assert work.state(lost) == "active"


async def test_progress_of_a_task_that_is_somebody_elses_is_refused(work):
    mux, refusals = ServeMux(), asyncio.Queue()

    @mux.handler("email")
    async def handle(ctx, task):
        take_over(work, info)
        with pytest.raises(TaskNotFoundError) as caught:
            await ctx.awrite_result(b"half")
        await refusals.put(str(caught.value))

    info = await work.enqueue("email", retention=60)
    async with work.serving(mux, **LONG, heartbeat_interval=300):  # none comes in between
        refusal = await refusals.get()

    assert f"task '{info.id}' is not in queue 'default'" in refusal
    assert work.redis.hget(f"{KEY}{info.id}", "result") is None


async def test_a_task_whose_lease_ended_on_the_way_to_its_worker_is_left_to_others(
    work, redis_server
):
    ran = []

    def serving(url, name):
        mux = ServeMux()

        @mux.handler("email")
        async def handle(ctx, task):
            ran.append(name)

        config = ServerConfig(**QUICK, retry_delay=retry.fixed(0.05))
        return Server(url, config).running(mux)

    with ChaosProxy(redis_server.port) as proxy:
        async with serving(proxy.url, "far"):
            proxy.delay_s = 3.0  # the lease is of 1 s, and recovered after another one
            info = await work.enqueue("email")
            await work.until(info, "active")
            async with serving(work.url, "near"):
                await work.until(info, None)
            proxy.delay_s = 0.0
            later = await work.enqueue("email")
            await work.until(later, None)

    assert ran == ["near", "far"]
    assert work.count("processed") == 3  # the attempt that was lost is counted, as in Go


async def test_a_task_that_comes_late_while_its_worker_stops_is_given_back(work, redis_server):
    mux, ran = ServeMux(), []

    @mux.handler("email")
    async def handle(ctx, task):
        ran.append(task.payload)

    with ChaosProxy(redis_server.port) as proxy:
        config = ServerConfig(**{**QUICK, "recover_interval": 600, "shutdown_timeout": 10})
        async with Server(proxy.url, config).running(mux):
            proxy.delay_s = 1.5  # longer than the lease
            info = await work.enqueue("email", max_retry=0)
            await work.until(info, "active")
            proxy.delay_s = 0.0  # of what comes behind the answer that is on its way

    assert (work.state(info), ran) == ("pending", [])
