"""Go Asynq v0.26 and Python on one queue: the whole way of a task, in both directions."""

import asyncio
import json

from pyasynq import retry
from pyasynq.app import App
from pyasynq.control_flow import SkipRetry
from pyasynq.task import Task
from pyasynq.worker.handlers.mux import ServeMux
from tests.support.eventually import eventually_async


async def test_go_enqueues_and_python_runs(peer, work):
    seen = []
    mux = ServeMux()

    @mux.handler("email:")
    async def handle(ctx, task):
        seen.append((json.loads(task.payload)["n"], task.type, dict(task.headers), ctx.max_retry))

    ids = await peer.run("enqueue", "mail", "email:welcome", "20")
    async with work.serving(mux, queues={"mail": 1}):
        await eventually_async(lambda: work.count("processed", "mail") == 20)

    assert sorted(seen) == [(n, "email:welcome", {"from": "go"}, 3) for n in range(20)]
    assert len(ids) == 20
    assert work.redis.keys("asynq:{mail}:t:*") == []


async def test_go_structs_are_typed_arguments_of_an_app(peer, redis_url):
    seen = []
    app = App(redis_url, queues={"mail": 1}, task_check_interval=0.01)

    @app.task("email:welcome")
    async def welcome(n: int, *, template: str = "plain") -> None:
        seen.append((n, template))

    await peer.run("enqueue", "mail", "email:welcome", "3")
    async with app.server().running(app.mux):
        await eventually_async(lambda: len(seen) == 3)

    assert sorted(seen) == [(0, "plain"), (1, "plain"), (2, "plain")]


async def test_typed_arguments_of_an_app_are_structs_in_go(peer, redis_url):
    app = App(redis_url)

    @app.task("email:welcome")
    async def welcome(user_id: int, *, name: str) -> None: ...

    worker = await peer.serve()
    await welcome.aenqueue(1, name="Ann <é>")
    await app.aclose()
    await eventually_async(lambda: worker.printed)

    assert (
        worker.printed[0]["payload"].decode() == '{"user_id":1,"name":"Ann \\u003c\u00e9\\u003e"}'
    )


async def test_workers_of_both_languages_share_a_queue(peer, work):
    here = []
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        here.append(ctx.task_id)

    worker = await peer.serve()
    infos = [await work.enqueue("email") for _ in range(100)]
    await eventually_async(lambda: work.count("processed") > 0)
    async with work.serving(mux, concurrency=2):
        infos += [await work.enqueue("email") for _ in range(300)]
        await eventually_async(lambda: work.count("processed") == 400)

    there = [line["id"] for line in worker.printed]
    assert sorted(here + there) == sorted(info.id for info in infos)
    assert here
    assert there
    assert work.redis.llen("asynq:{default}:active") == 0


async def test_the_inspector_of_go_shows_the_tasks_and_the_server_of_python(peer, work):
    started, release = asyncio.Event(), asyncio.Event()
    mux = ServeMux()

    @mux.handler("email")
    async def refuse(ctx, task):
        raise SkipRetry("bad address")

    @mux.handler("slow")
    async def slow(ctx, task):
        started.set()
        await release.wait()

    @mux.handler("flaky")
    async def flaky(ctx, task):
        raise ValueError("not yet")

    settings = {"queues": {"mail": 3}, "concurrency": 7, "retry_delay": retry.fixed(3600)}
    async with work.serving(mux, **settings) as own:
        archived = await work.enqueue("email", queue="mail", timeout=30)
        retried = await work.enqueue("flaky", queue="mail", max_retry=5)
        later = await work.enqueue("email", queue="mail", process_in=600)
        running = await work.enqueue("slow", queue="mail")
        await started.wait()
        await work.until(archived, "archived")
        await work.until(retried, "retry")
        await eventually_async(lambda: work.redis.keys("asynq:workers:*"))
        queue, *lines = await peer.run("inspect", "mail")
        release.set()

    server, found = lines[-1], {line["id"]: line for line in lines[:-1]}
    assert [queue[state] for state in ("archived", "retry", "scheduled", "active")] == [1, 1, 1, 1]
    assert (queue["processed"], queue["failed"]) == (2, 2)
    assert (server["server"], server["concurrency"]) == (own.id, 7)
    assert (server["queues"], server["status"]) == ({"mail": 3}, "active")
    assert server["workers"] == ["slow"]
    assert found[archived.id]["state"] == "archived"
    assert found[archived.id]["last_error"].startswith("SkipRetry: bad address")
    assert (found[retried.id]["state"], found[retried.id]["retried"]) == ("retry", 1)
    assert found[later.id]["state"] == "scheduled"
    assert found[running.id]["state"] == "active"


async def test_the_inspector_of_go_runs_a_task_that_python_archived(peer, work):
    attempts = []
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        attempts.append(ctx.attempt)
        if len(attempts) == 1:
            raise SkipRetry("bad address")

    async with work.serving(mux):
        info = await work.enqueue("email")
        await work.until(info, "archived")
        await peer.run("run", "default", info.id)
        await work.until(info, None)

    assert attempts == [1, 1]


async def test_python_runs_what_a_go_worker_left_when_it_was_killed(peer, work):
    seen = []
    mux = ServeMux()

    @mux.handler("wait")
    async def handle(ctx, task):
        seen.append(ctx.retry_count)

    worker = await peer.serve()
    info = await work.client.enqueue(Task("wait"))
    await eventually_async(lambda: worker.printed)
    worker.kill()
    work.redis.zadd("asynq:{default}:lease", {info.id: 1})  # its lease is long over
    async with work.serving(mux, retry_delay=retry.fixed(0)):
        await work.until(info, None)

    assert seen == [1]
