"""How a server starts and stops."""

import asyncio
import contextlib

import pytest

from pyasynq.errors import (
    ConfigError,
    RedisUnavailableError,
    ServerStateError,
)
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.server import Server
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
