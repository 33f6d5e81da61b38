"""The server and the scheduler of an App start, fail and end together."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from pyasynq.app import App
from pyasynq.errors import RedisUnavailableError
from pyasynq.lifecycle.component import ComponentCrashedError
from pyasynq.scheduler.ticker import Ticker
from tests.support.chaos_proxy import ChaosProxy
from tests.support.eventually import eventually_async


@pytest.fixture
def app(redis_url):
    app = App(redis_url, name="shop", task_check_interval=0.01)

    @app.periodic("@every 1h")
    async def sweep() -> None: ...

    return app


@asynccontextmanager
async def serving(worker):
    """Serve around a block, from when both have started; the block ends it."""
    task = asyncio.create_task(worker.serve())
    try:
        await eventually_async(
            lambda: worker.server.is_ready and worker.scheduler._started.is_set()
        )
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


def statuses(worker):
    return worker.server.status, worker.scheduler.status


async def test_a_shutdown_ends_both(app, redis_client):
    worker = app.worker()

    async with serving(worker) as task:
        assert redis_client.exists("asynq:leader:shop")
        worker.shutdown()
        await task

    assert statuses(worker) == ("closed", "closed")
    assert not redis_client.exists("asynq:leader:shop")
    assert redis_client.keys("asynq:servers*") == []


async def test_a_queue_of_ticks_that_the_worker_does_not_serve_is_told_once(app, caplog):
    @app.periodic("@daily", queue="lwo")
    @app.periodic("@hourly", queue="lwo")
    @app.task
    async def other() -> None: ...

    app.reconfigure(queues={"default": 1, "low": 1})
    async with serving(app.worker()):
        pass

    told = "task 'other' goes to queue 'lwo', which this worker does not serve; did you mean 'low'?"
    assert [each for each in caplog.messages if "does not serve" in each] == [told]


async def test_a_worker_runs_around_a_block(app):
    @app.task(retention=60)
    async def double(number: int) -> int:
        return 2 * number

    async with app.worker().running() as worker:
        assert statuses(worker) == ("active", "active")
        handle = await double.aenqueue(21)
        assert await handle.aresult(timeout=10) == 42

    assert statuses(worker) == ("closed", "closed")
    async with app.worker(scheduler=False).running() as worker:
        assert worker.scheduler is None
    await app.aclose()


async def test_a_stop_leaves_the_scheduler_alone(app):
    worker = app.worker()

    async with serving(worker):
        worker.stop()
        assert statuses(worker) == ("stopped", "active")


async def test_a_cancelled_worker_leaves_nothing_behind(app):
    worker = app.worker()

    async with serving(worker) as task:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert statuses(worker) == ("closed", "closed")


async def test_a_scheduler_that_crashes_shuts_the_server_down(app, monkeypatch):
    async def crash(self, *_given):
        raise ZeroDivisionError

    worker = app.worker()
    monkeypatch.setattr(Ticker, "fire_due", crash)

    with pytest.raises(ComponentCrashedError, match="ticker ended by itself: ZeroDivisionError"):
        await worker.serve()

    assert statuses(worker) == ("closed", "closed")


async def test_a_second_shutdown_does_not_wait_for_handlers(app):
    started = asyncio.Event()

    @app.task
    async def endless() -> None:
        started.set()
        await asyncio.sleep(3600)

    app.reconfigure(shutdown_timeout=3600)
    worker, handle = app.worker(), await endless.aenqueue()

    async with serving(worker) as task:
        await started.wait()
        worker.shutdown()
        worker.shutdown()
        await task

    assert (await handle.ainfo()).state == "pending"
    await app.aclose()


@pytest.mark.long
async def test_a_silent_redis_does_not_hold_up_the_stop(redis_server):
    with ChaosProxy(redis_server.port) as proxy:
        app = App(proxy.url, shutdown_timeout=0.1, cancel_grace=0.1)

        @app.periodic("@every 1s")
        async def sweep() -> None: ...

        worker = app.worker()
        async with serving(worker) as task:
            proxy.hold_answers()
            worker.shutdown()
            async with asyncio.timeout(10):  # 3.1 s are allowed
                await task

    assert statuses(worker) == ("closed", "closed")


@pytest.mark.long
async def test_a_redis_that_is_away_is_one_error(caplog):
    app = App("redis://127.0.0.1:1?connect_timeout=0.1")

    @app.periodic("@daily")
    def sweep() -> None: ...

    with pytest.raises(RedisUnavailableError):
        await app.worker().serve()

    assert [each.message for each in caplog.records if "never retrieved" in each.message] == []
