"""Everything of a worker and a scheduler goes on at the new master after a planned failover."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from pyasynq.client import Client
from pyasynq.inspector.inspector_async import AsyncInspector
from pyasynq.scheduler.scheduler import Scheduler
from pyasynq.task import Task
from pyasynq.wire.keys import global_keys
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.server import Server
from tests.support.eventually import eventually_async
from tests.support.redis_sentinel import RedisSentinel
from tests.support.workplace import QUICK

pytestmark = pytest.mark.long


class Site:
    """What the handlers of a worker have seen."""

    def __init__(self) -> None:
        self.mux, self.ran = ServeMux(), []
        self.started, self.ended = asyncio.Event(), asyncio.Event()
        self.mux.add("run", self._run)
        self.mux.add("hold", self._hold)

    async def _run(self, ctx, task):
        self.ran.append(ctx.task_id)

    async def _hold(self, ctx, task):
        self.started.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.set()


@contextlib.asynccontextmanager
async def moved(sentinels: RedisSentinel, **settings) -> AsyncIterator[tuple[Site, str]]:
    """A worker that was at work before a planned failover, and goes on after it."""
    site, url = Site(), sentinels.url()
    config = ServerConfig(**{**QUICK, **settings})
    async with Server(url, config).running(site.mux):
        with Client(url) as client:
            await asyncio.to_thread(client.enqueue, Task("run"))
        await eventually_async(lambda: site.ran)
        await asyncio.to_thread(sentinels.fail_over)
        await asyncio.to_thread(sentinels.until_moved)
        yield site, url


async def test_a_running_task_is_cancelled(sentinels):
    async with moved(sentinels) as (site, url), AsyncInspector(url) as inspector:
        with Client(url) as client:
            info = await asyncio.to_thread(client.enqueue, Task("hold"), max_retry=0)
        await site.started.wait()

        async with asyncio.timeout(20):
            while not site.ended.is_set():  # it may not listen again yet
                await inspector.tasks.cancel(info.id)
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("wait", ["announcements", "blocked connections"])
async def test_an_idle_worker_is_woken_up(sentinels, wait, monkeypatch):
    if wait != "announcements":
        monkeypatch.setattr(
            "pyasynq.worker.fetch.empty_queues.EmptyQueues.is_possible", property(lambda _: False)
        )
        monkeypatch.setattr("pyasynq.worker.fetch.blocking_waits.PAUSE_S", 0.5)
    async with moved(sentinels, task_check_interval=5) as (site, url):
        with Client(url) as client:
            for _ in range(5):
                count = len(site.ran)
                await asyncio.to_thread(client.enqueue, Task("run"))
                await eventually_async(lambda count=count: len(site.ran) > count)


async def test_the_server_is_shown_and_keeps_its_leases(sentinels):
    async with moved(sentinels) as (site, url), AsyncInspector(url) as inspector:
        with Client(url) as client:
            info = await asyncio.to_thread(client.enqueue, Task("hold"))
        await site.started.wait()
        with sentinels.master.client() as client:
            first = client.zscore("asynq:{default}:lease", info.id)
            await eventually_async(lambda: client.zscore("asynq:{default}:lease", info.id) > first)
        (server,) = await inspector.servers.list()

    assert server.active_worker_count == 1


async def test_a_scheduler_leads_and_its_ticks_go_on(sentinels):
    url = sentinels.url()
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(2):
            scheduler = Scheduler(url, name="shop")
            scheduler.register("@every 1s", Task("tick"), key="tick", queue="ticks")
            await stack.enter_async_context(scheduler.running())
        with sentinels.master.client() as before:
            await eventually_async(lambda: before.llen("asynq:{ticks}:pending") >= 1)
        await asyncio.to_thread(sentinels.fail_over)
        new = await asyncio.to_thread(sentinels.until_moved)
        with new.client() as client:
            count = client.llen("asynq:{ticks}:pending")
            await eventually_async(lambda: client.llen("asynq:{ticks}:pending") >= count + 3)
            leader = client.get(global_keys("asynq").leader("shop"))

    assert leader
