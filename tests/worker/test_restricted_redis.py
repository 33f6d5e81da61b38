"""A Redis that denies commands: what has a substitute works, and what has none is said at once."""

import asyncio
import logging

import pytest

from pyasynq.client import Client
from pyasynq.client_async import AsyncClient
from pyasynq.errors import IncompatibleRedisError
from pyasynq.inspector.inspector_async import AsyncInspector
from pyasynq.scheduler.scheduler import Scheduler
from pyasynq.task import Task
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.server import Server
from tests.support.eventually import eventually_async
from tests.support.redis_server import RedisServer
from tests.support.workplace import QUICK

# Each has a substitute, or something to do without it.
DISPENSABLE = ("BLMOVE", "CLIENT", "HELLO", "INFO", "MEMORY", "SCRIPT", "SUBSCRIBE", "TIME", "LPOS")


@pytest.fixture(scope="module")
def renamed():
    """A server that does not know these commands, as managed services rename them."""
    server = RedisServer(*(word for name in DISPENSABLE for word in ("--rename-command", name, "")))
    yield server
    server.stop()


@pytest.fixture(scope="module")
def denying():
    """A server whose user `me` has no right to these commands."""
    server = RedisServer()
    yield server
    server.stop()


@pytest.fixture(params=["renamed", "denied"])
def url(request, renamed, denying):
    if request.param == "renamed":
        with renamed.client() as client:
            client.flushall()
        return renamed.tcp_url
    return as_user(denying, *(f"-{name.lower()}" for name in DISPENSABLE))


def as_user(server, *rights):
    """Return the URL of a user with all rights but these."""
    with server.client() as admin:
        admin.flushall()
        given = "reset", "on", ">pw", "~*", "&*", "+@all", *rights
        admin.execute_command("ACL", "SETUSER", "me", *given)
    return f"redis://me:pw@127.0.0.1:{server.port}/0"


def server_of(url, **settings):
    return Server(url, ServerConfig(**{**QUICK, **settings}))


async def test_tasks_are_enqueued_and_run_without_them(url):
    ran, mux = [], ServeMux()

    @mux.handler("run")
    async def run(ctx, task):
        ran.append(ctx.task_id)

    async with AsyncClient(url) as client, server_of(url).running(mux):
        infos = [
            await client.enqueue(Task("run")),
            await client.enqueue(Task("run"), process_in=0.1),
        ]
        with Client(url) as blocking:
            infos.append(await asyncio.to_thread(blocking.enqueue, Task("run")))
        await eventually_async(lambda: len(ran) == 3)

    assert sorted(ran) == sorted(info.id for info in infos)


async def test_an_inspector_looks_without_them(url):
    async with AsyncClient(url) as client, AsyncInspector(url) as inspector:
        await client.enqueue(Task("run"), queue="looked-at")
        queue = await inspector.queues.info("looked-at")
        with pytest.raises(IncompatibleRedisError, match="INFO"):
            await inspector.redis.info()

    assert (queue.pending, queue.memory_usage) == (1, None)


async def test_a_scheduler_runs_without_them(url):
    ran, mux = asyncio.Event(), ServeMux()

    @mux.handler("tick")
    async def tick(ctx, task):
        ran.set()

    scheduler = Scheduler(url)
    scheduler.register("@every 1s", Task("tick"))
    async with scheduler.running(), server_of(url).running(mux):
        await asyncio.wait_for(ran.wait(), 20)


async def test_a_clock_that_redis_does_not_tell_is_said_once(url, caplog):
    mux = ServeMux()
    async with server_of(url).running(mux):
        pass
    by_server = [line for line in caplog.messages if "does not tell its time" in line]
    caplog.clear()
    async with AsyncClient(url) as client:
        await client.enqueue(Task("run"))
        client._admission.measure_at = float("-inf")
        await client.enqueue(Task("run"))
    by_client = [line for line in caplog.messages if "does not tell its time" in line]

    assert (len(by_server), len(by_client)) == (1, 1)


async def test_a_channel_that_is_refused_is_said_once(url, caplog):
    async with server_of(url).running(ServeMux()):
        pass

    lines = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    assert len([line for line in lines if "asynq:cancel" in line]) == 1


@pytest.mark.parametrize("command", ["evalsha", "eval"])
async def test_a_server_does_not_start_where_it_may_run_no_scripts(denying, command):
    url = as_user(denying, f"-{command}")
    with denying.client() as admin:
        admin.script_flush()

    with pytest.raises(IncompatibleRedisError, match="redis lets us run no scripts") as raised:
        await asyncio.wait_for(server_of(url).serve(ServeMux()), 20)
    with pytest.raises(IncompatibleRedisError, match="redis lets us run no scripts"):
        await asyncio.wait_for(Scheduler(url).serve(), 20)

    assert raised.value.needed == "scripts"


async def test_a_producer_is_told_at_once_that_it_may_run_no_scripts(denying):
    async with AsyncClient(as_user(denying, "-evalsha")) as client:
        with pytest.raises(IncompatibleRedisError, match="redis lets us run no scripts"):
            await client.enqueue(Task("run"))


async def test_a_server_does_not_start_where_scripts_may_not_use_undeclared_keys(denying):
    url = as_user(denying, "resetkeys", "~asynq:{check}:t:*:server", "-info")

    with pytest.raises(IncompatibleRedisError, match="allow undeclared keys"):
        await asyncio.wait_for(server_of(url).serve(ServeMux()), 20)
