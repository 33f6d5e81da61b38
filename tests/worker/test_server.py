"""How a server starts and stops."""

import asyncio
import contextlib

import pytest

from pyasynq.errors import (
    ConfigError,
    RedisUnavailableError,
    ServerStateError,
)
from pyasynq.lifecycle.component import ComponentCrashedError
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.server import Server
from tests.support.eventually import eventually_async
from tests.support.workplace import QUICK


async def test_shutdown_waits_for_handlers_and_writes_their_outcomes(work):
    started, release = asyncio.Event(), asyncio.Event()
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        started.set()
        await release.wait()

    server = work.server()
    serving = asyncio.create_task(server.serve(mux))
    info = await work.enqueue("email")
    await started.wait()
    server.shutdown()
    release.set()
    await serving

    assert server.status == "closed"
    assert work.state(info) is None
    assert work.count("processed") == 1


async def test_shutdown_requeues_what_takes_too_long_at_the_front(work):
    started = asyncio.Event()
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        started.set()
        await asyncio.Event().wait()

    async with work.serving(mux, concurrency=1, shutdown_timeout=0.05):
        first, second = await work.enqueue("email"), await work.enqueue("email")
        await started.wait()

    assert work.redis.lrange("asynq:{default}:pending", 0, -1) == [
        second.id.encode(),
        first.id.encode(),
    ]
    assert (work.state(first), work.count("processed")) == ("pending", 0)
    assert work.redis.hget(f"asynq:{{default}}:t:{first.id}", "owner") is None


async def test_what_is_requeued_runs_again_in_the_order_of_its_start(work):
    started, all_started = [], asyncio.Event()
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        started.append(ctx.task_id.encode())
        if len(started) == 40:
            all_started.set()
        await asyncio.Event().wait()

    async with work.serving(mux, concurrency=40, shutdown_timeout=0.05):
        for _ in range(50):
            await work.enqueue("email")
        await all_started.wait()

    pending = work.redis.lrange("asynq:{default}:pending", 0, -1)
    assert len(pending) == 50
    assert pending[::-1][:40] == started


async def test_a_second_shutdown_does_not_wait(work):
    started = asyncio.Event()
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        started.set()
        await asyncio.Event().wait()

    server = work.server(shutdown_timeout=600)
    serving = asyncio.create_task(server.serve(mux))
    info = await work.enqueue("email")
    await started.wait()
    server.shutdown()
    server.shutdown()
    await serving

    assert work.state(info) == "pending"


async def test_stop_only_ends_the_fetching(work):
    started, release = asyncio.Event(), asyncio.Event()
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        started.set()
        await release.wait()

    async with work.serving(mux) as server:
        running = await work.enqueue("email")
        await started.wait()
        server.stop()
        left = await work.enqueue("email")
        release.set()
        await work.until(running, None)

        assert server.status == "stopped"
        assert work.state(left) == "pending"


async def test_a_server_runs_once(work):
    server = work.server()

    async with server.running(ServeMux()):
        with pytest.raises(ServerStateError, match="this server is active"):
            await server.serve(ServeMux())

    with pytest.raises(ServerStateError, match="this server is closed"):
        await server.serve(ServeMux())


async def test_a_server_needs_a_mux(work):
    with pytest.raises(ConfigError, match="needs a ServeMux"):
        await work.server().serve(None)


async def test_without_a_lifespan_the_state_is_that_of_the_settings(work):
    mux, seen, state = ServeMux(), [], object()

    @mux.handler("email")
    def handle(ctx, task):
        seen.append(ctx.state)

    async with work.serving(mux, base_state=state):
        await work.until(await work.enqueue("email"), None)

    assert seen == [state]


async def test_the_state_of_a_lifespan_reaches_the_handlers(work):
    log = []
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        log.append(ctx.state)

    @contextlib.asynccontextmanager
    async def lifespan():
        log.append("up")
        yield "state"
        log.append("down")

    server = Server(work.url, ServerConfig(**QUICK), lifespan=lifespan)
    async with server.running(mux):
        await work.until(await work.enqueue("email"), None)

    assert log == ["up", "state", "down"]


@pytest.mark.usefixtures("impatient")
async def test_a_server_without_redis_fails_at_the_start(tmp_path):
    server = Server(f"unix://{tmp_path}/nobody.sock")

    with pytest.raises(RedisUnavailableError, match="not available"):
        await server.serve(ServeMux())


def counting(log):
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        log.append(task.type)

    return mux


async def test_a_shutdown_while_the_server_starts_is_not_forgotten(work):
    info, log = await work.enqueue("email"), []

    @contextlib.asynccontextmanager
    async def lifespan():
        server.shutdown()
        yield

    server = Server(work.url, ServerConfig(**QUICK), lifespan=lifespan)
    await server.serve(counting(log))

    assert (server.status, log, work.state(info)) == ("closed", [], "pending")


async def test_a_stop_while_the_server_starts_is_not_forgotten(work):
    info, log = await work.enqueue("email"), []

    @contextlib.asynccontextmanager
    async def lifespan():
        server.stop()
        yield

    server = Server(work.url, ServerConfig(**QUICK), lifespan=lifespan)
    async with server.running(counting(log)):
        assert server.status == "stopped"

    assert (log, work.state(info)) == ([], "pending")


def hanging(log, *, until=None):
    """Return a lifespan that does not come up, and notes how it ends."""

    @contextlib.asynccontextmanager
    async def lifespan():
        log.append("up")
        try:
            await (until or asyncio.Event()).wait()
            yield
        finally:
            log.append("down")

    return lifespan


async def test_a_lifespan_that_hangs_is_cancelled_when_the_time_of_a_shutdown_is_over(work):
    log: list[str] = []
    server = Server(
        work.url, ServerConfig(**{**QUICK, "shutdown_timeout": 0.05}), lifespan=hanging(log)
    )
    serving = asyncio.create_task(server.serve(ServeMux()))
    await eventually_async(lambda: log)
    server.shutdown()
    await serving

    assert (log, server.status) == (["up", "down"], "closed")


async def test_a_second_shutdown_cancels_a_lifespan_that_hangs_at_once(work):
    log: list[str] = []
    server = Server(
        work.url, ServerConfig(**{**QUICK, "shutdown_timeout": 600}), lifespan=hanging(log)
    )
    serving = asyncio.create_task(server.serve(ServeMux()))
    await eventually_async(lambda: log)
    server.shutdown()
    await asyncio.sleep(0)
    assert log == ["up"]
    server.shutdown()
    await serving

    assert (log, server.status) == (["up", "down"], "closed")


async def test_a_shutdown_leaves_a_lifespan_the_time_to_come_up(work):
    log, may_go_on = [], asyncio.Event()
    server = Server(
        work.url,
        ServerConfig(**{**QUICK, "shutdown_timeout": 600}),
        lifespan=hanging(log, until=may_go_on),
    )
    serving = asyncio.create_task(server.serve(ServeMux()))
    await eventually_async(lambda: log)
    server.shutdown()
    may_go_on.set()
    await serving

    assert (log, server.status) == (["up", "down"], "closed")


async def test_a_block_around_a_server_that_was_shut_down_in_its_start_does_not_begin(work):
    log: list[str] = []
    server = Server(
        work.url, ServerConfig(**{**QUICK, "shutdown_timeout": 0}), lifespan=hanging(log)
    )
    asyncio.get_running_loop().call_later(0.1, server.shutdown)

    with pytest.raises(ServerStateError, match="before it had started"):
        async with server.running(ServeMux()):
            log.append("block")
    assert log == ["up", "down"]


async def test_a_shutdown_at_any_moment_of_the_connecting_ends_the_start(work):
    for step in range(80):
        config = ServerConfig(**{**QUICK, "shutdown_timeout": 0})
        server = Server(work.url, config, lifespan=hanging([]))
        asyncio.get_running_loop().call_later(0.0001 + step * 0.00005, server.shutdown)

        async with asyncio.timeout(30):
            with pytest.raises(ServerStateError, match="before it had started"):
                async with server.running(ServeMux()):
                    pass


async def cancel_again_and_again(task):
    """Cancel as anyio does what runs in a scope that is cancelled."""
    while not task.done():
        task.cancel()
        await asyncio.sleep(0)
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()
    await asyncio.sleep(0)  # what is cancelled already ends in the next turn of the loop


async def around_a_block(server, mux):
    async with server.running(mux):
        await asyncio.Event().wait()


@pytest.mark.parametrize("serve", [Server.serve, around_a_block])
async def test_a_server_that_is_cancelled_again_and_again_leaves_nothing_behind(work, serve):
    log, started = [], asyncio.Event()
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            log.append("ended")

    others = asyncio.all_tasks()
    server = work.server(shutdown_timeout=0.1)
    serving = asyncio.create_task(serve(server, mux))
    info = await work.enqueue("email")
    await started.wait()
    await cancel_again_and_again(serving)

    assert (log, work.state(info), server.status) == (["ended"], "pending", "closed")
    assert asyncio.all_tasks() == others
    assert work.redis.zcard("asynq:servers") == 0


@pytest.mark.parametrize("serve", [Server.serve, around_a_block])
async def test_a_server_that_is_cancelled_in_its_start_leaves_nothing_behind(work, serve):
    log: list[str] = []
    others = asyncio.all_tasks()
    server = Server(
        work.url, ServerConfig(**{**QUICK, "shutdown_timeout": 0.1}), lifespan=hanging(log)
    )
    serving = asyncio.create_task(serve(server, ServeMux()))
    await eventually_async(lambda: log)
    await cancel_again_and_again(serving)

    assert (log, server.status) == (["up", "down"], "closed")
    assert asyncio.all_tasks() == others


async def test_a_part_that_fails_during_a_block_is_told_at_its_end(work):
    server = work.server()
    with pytest.raises(ComponentCrashedError, match="janitor ended by itself"):
        async with server.running(ServeMux()):
            (janitor,) = (
                each for each in asyncio.all_tasks() if each.get_name() == "pyasynq janitor"
            )
            janitor.cancel()
            await eventually_async(lambda: server.status == "closed")
