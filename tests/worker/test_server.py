"""How a server starts and stops."""

import asyncio
import contextlib
import subprocess
import sys

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


SAY = "print('started', flush=True)"
ENDLESS = {
    "in a thread": f"""
def handle(ctx, task):
    {SAY}
    time.sleep(600)""",
    "on the loop": f"""
async def handle(ctx, task):
    {SAY}
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(600)""",
    "in asyncio.to_thread": f"""
async def handle(ctx, task):
    {SAY}
    await asyncio.to_thread(time.sleep, 600)""",
    "in a thread of its own": f"""
async def handle(ctx, task):
    threading.Thread(target=time.sleep, args=[600]).start()
    {SAY}
    await asyncio.sleep(600)""",
    "in a task of its own": f"""
async def handle(ctx, task):
    async def go_on():
        {SAY}
        while True:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(600)
    mux.own = asyncio.create_task(go_on())
    await asyncio.sleep(600)""",
}
PROGRAM = """
import asyncio, contextlib, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
from pyasynq import Client, ServeMux, Server, ServerConfig, Task

mux, url, pool = ServeMux(), sys.argv[1], ThreadPoolExecutor()
{code}

with Client(url) as client:
    client.enqueue(Task("email"), task_id="one", **({} if mux.routes else {"group": "all"}))
Server(url, ServerConfig(shutdown_timeout=0.1, cancel_grace=0.1, group_grace_period=1)).run(mux)
print("closed", flush=True)
"""


def run_program(code, redis_url, *, says):
    """Run a worker in a process of its own, and stop it when it *says* a line."""
    command = [sys.executable, "-c", PROGRAM.replace("{code}", code), redis_url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        try:
            assert program.stdout.readline().decode().strip() == says
            program.terminate()
            out, log = program.communicate(timeout=30)
        finally:
            program.kill()
    return program.returncode, out.decode(), log.decode()


@pytest.mark.parametrize("handler", ENDLESS.values(), ids=ENDLESS)
def test_a_handler_that_never_ends_does_not_keep_the_process(handler, redis_url, redis_client):
    code = handler + "\nmux.add('email', handle)"

    returncode, out, log = run_program(code, redis_url, says="started")

    assert (returncode, out) == (0, "")
    assert "exiting without them" in log
    assert redis_client.lrange("asynq:{default}:pending", 0, -1) == [b"one"]
    assert redis_client.zcard("asynq:servers") == 0


def test_an_aggregator_that_never_ends_does_not_keep_the_process(redis_url, redis_client):
    code = f"""
@mux.aggregator("*", grace_period=1)
def join(group, tasks):
    {SAY}
    time.sleep(600)"""

    returncode, out, log = run_program(code, redis_url, says="started")

    assert (returncode, out) == (0, "")
    assert "exiting without them" in log
    assert redis_client.zcard("asynq:servers") == 0


def test_threads_that_only_wait_for_work_do_not_end_the_program_of_the_user(redis_url):
    code = f"""
@mux.handler("email")
async def handle(ctx, task):
    await asyncio.get_running_loop().run_in_executor(pool, time.sleep, 0)
    await asyncio.to_thread(time.sleep, 0)
    {SAY}"""

    returncode, out, log = run_program(code, redis_url, says="started")

    assert (returncode, out) == (0, "closed\n")
    assert "exiting without them" not in log


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
