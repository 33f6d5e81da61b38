"""Real Go Asynq v0.26 on the same Redis, in both directions."""

import asyncio
import json

import pytest

from pyasynq import retry
from pyasynq.app import App
from pyasynq.client_async import AsyncClient
from pyasynq.errors import SkipRetry
from pyasynq.task import Task
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.mux import ServeMux
from pyasynq.worker.server import Server
from tests.eventually import eventually, eventually_async

pytestmark = [pytest.mark.needs("go"), pytest.mark.timeout(240)]


def server(url: str, **settings) -> Server:
    return Server(url, ServerConfig(**{"task_check_interval": 0.01, **settings}))


async def test_go_enqueues_and_python_runs(peer, redis_url, redis_client):
    seen = []
    mux = ServeMux()

    @mux.handler("email:")
    async def handle(ctx, task):
        seen.append((json.loads(task.payload)["n"], task.type, dict(task.headers), ctx.max_retry))

    ids = await asyncio.to_thread(peer.run, "enqueue", "mail", "email:welcome", 20)
    async with server(redis_url, queues={"mail": 1}).running(mux):
        await eventually_async(lambda: len(seen) == 20)

    assert sorted(seen) == [(n, "email:welcome", {"from": "go"}, 3) for n in range(20)]
    assert len(ids) == 20
    assert redis_client.keys("asynq:{mail}:t:*") == []
    assert redis_client.get("asynq:{mail}:processed") == b"20"


async def test_go_structs_are_typed_arguments_of_an_app(peer, redis_url):
    seen = []
    app = App(redis_url, queues={"mail": 1}, task_check_interval=0.01)

    @app.task("email:welcome")
    async def welcome(n: int, *, template: str = "plain") -> None:
        seen.append((n, template))

    await asyncio.to_thread(peer.run, "enqueue", "mail", "email:welcome", 3)
    async with app.server().running(app.mux):
        await eventually_async(lambda: len(seen) == 3)

    assert sorted(seen) == [(0, "plain"), (1, "plain"), (2, "plain")]


async def test_python_enqueues_and_go_runs(peer, redis_url, redis_client):
    app = App(redis_url)

    @app.task("email:welcome", queue="mail", retention=60)
    async def welcome(user_id: int, *, name: str) -> None: ...

    worker = await asyncio.to_thread(peer.serve, "mail", 4)
    handles = [
        await welcome.aenqueue(1, name="Ann <é>"),
        await welcome.options(process_in=0.2).aenqueue(2, name=""),
        await welcome.options(headers={"k": "v"}, unique=60).aenqueue(3, name="Eve"),
    ]
    async with AsyncClient(redis_url) as client:
        nil = await client.enqueue(Task("email:nil"), queue="mail")
    output, _errors = await asyncio.to_thread(worker.communicate, timeout=60)
    await app.aclose()

    said = {line["id"]: line for line in map(json.loads, output.splitlines())}
    assert set(said) == {nil.id, *(handle.id for handle in handles)}
    assert said[handles[0].id]["payload"] == '{"user_id":1,"name":"Ann \\u003c\u00e9\\u003e"}'
    assert said[handles[2].id]["headers"] == {"k": "v"}
    assert said[nil.id]["payload"] == ""
    result = redis_client.hget(f"asynq:{{mail}}:t:{handles[0].id}", "result")
    assert result == b"done in go"
    assert redis_client.keys("asynq:{mail}:unique:*") == []


async def test_workers_of_both_languages_share_a_queue(peer, redis_url, redis_client):
    here = []
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        here.append(ctx.task_id)
        await asyncio.sleep(0)

    worker = await asyncio.to_thread(peer.serve, "mail", 1_000_000)
    async with AsyncClient(redis_url) as client:
        infos = [await client.enqueue(Task("email", b"{}"), queue="mail") for _ in range(100)]
        await eventually_async(lambda: redis_client.get("asynq:{mail}:processed") is not None)
        async with server(redis_url, queues={"mail": 1}, concurrency=2).running(mux):
            infos += [await client.enqueue(Task("email", b"{}"), queue="mail") for _ in range(300)]
            await eventually_async(
                lambda: int(redis_client.get("asynq:{mail}:processed") or 0) == 400
            )
    worker.kill()
    output, _errors = await asyncio.to_thread(worker.communicate)

    there = [json.loads(line)["id"] for line in output.splitlines()]
    assert sorted(here + there) == sorted(info.id for info in infos)
    assert here
    assert there
    assert redis_client.llen("asynq:{mail}:active") == 0


async def test_the_inspector_of_go_sees_and_runs_tasks_of_python(peer, redis_url):
    attempts, started, release = [], asyncio.Event(), asyncio.Event()
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        attempts.append(ctx.attempt)
        if len(attempts) == 1:
            raise SkipRetry("bad address")

    @mux.handler("slow")
    async def slow(ctx, task):
        started.set()
        await release.wait()

    @mux.handler("flaky")
    async def flaky(ctx, task):
        raise ValueError("not yet")

    config = {"queues": {"mail": 3}, "concurrency": 7, "retry_delay": retry.fixed(3600)}
    config |= {"heartbeat_interval": 0.1}
    async with AsyncClient(redis_url) as client, server(redis_url, **config).running(mux) as own:
        archived = await client.enqueue(Task("email", b"{}"), queue="mail", timeout=30)
        retried = await client.enqueue(Task("flaky"), queue="mail", max_retry=5)
        later = await client.enqueue(Task("email"), queue="mail", process_in=600)
        running = await client.enqueue(Task("slow"), queue="mail")
        await started.wait()
        found = {}

        def look():
            nonlocal found
            lines = peer.run("inspect", "mail")
            found = {line["task"]: line for line in lines if "task" in line}
            queue, servers = lines[0], [line for line in lines if "server" in line]
            return (
                (queue["archived"], queue["retry"], queue["scheduled"], queue["active"])
                == (1, 1, 1, 1)
                and servers
                and servers[0]["workers"] == ["slow"]
                and servers[0]
            )

        await asyncio.to_thread(eventually, look)
        shown = look()
        await asyncio.to_thread(peer.run, "run", "mail", archived.id)
        await eventually_async(lambda: len(attempts) == 2)
        release.set()

    assert (shown["server"], shown["concurrency"], shown["queues"]) == (own.id, 7, {"mail": 3})
    assert shown["status"] == "active"
    assert found[archived.id]["state"] == "archived"
    assert found[archived.id]["last_error"].startswith("SkipRetry: bad address")
    assert found[archived.id]["timeout_s"] == 30
    assert (found[retried.id]["state"], found[retried.id]["retried"]) == ("retry", 1)
    assert found[later.id]["state"] == "scheduled"
    assert found[running.id]["state"] == "active"
