"""What each component of a server does, on a real Redis."""

import asyncio
import time

from pyasynq import retry
from pyasynq.errors import (
    SkipRetry,
)
from pyasynq.wire.records import decode_server, decode_worker
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.server import Server
from tests.support.chaos_proxy import ChaosProxy
from tests.support.eventually import eventually_async
from tests.support.workplace import QUICK


async def test_processor_runs_a_task_and_deletes_it(work):
    seen = []
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        seen.append((task.type, task.payload, ctx.attempt, ctx.queue, ctx.task_id))

    async with work.serving(mux):
        info = await work.enqueue("email", b'{"a":1}')
        await work.until(info, None)

    assert seen == [("email", b'{"a":1}', 1, "default", info.id)]
    assert (work.count("processed"), work.count("failed")) == (1, 0)
    assert work.redis.exists("asynq:{default}:active", "asynq:{default}:lease") == 0


async def test_finisher_writes_at_the_stop_what_is_left(work, redis_server):
    mux = ServeMux()
    with ChaosProxy(redis_server.port) as proxy:
        server = Server(proxy.url, ServerConfig(**QUICK))

        @mux.handler("email")
        async def handle(ctx, task):
            proxy.refuse()
            proxy.cut()
            server.shutdown()

        info = await work.enqueue("email")
        serving = asyncio.create_task(server.serve(mux))
        closed, _ = await asyncio.wait({serving}, timeout=0.5)
        assert not closed  # it waits for its outcome
        proxy.accept()
        await serving

    assert work.state(info) is None
    assert work.count("processed") == 1


async def test_forwarder_runs_scheduled_tasks_when_due_and_never_early(work):
    late = []
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        late.append(time.time() - float(task.payload))

    async with work.serving(mux):
        infos = []
        for delay in (0.15, 0.3, 1.1):
            due = time.time() + delay
            infos.append(await work.enqueue("email", str(due).encode(), process_in=delay))
        for info in infos:
            await work.until(info, None)

    assert min(late) > -0.01  # the clock of the test is read before that of Redis


async def test_a_result_is_kept_for_the_retention_and_janitor_deletes_it_after(work):
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        await ctx.awrite_result(b"half")
        return b"whole"

    async with work.serving(mux):
        info = await work.enqueue("email", retention=1)
        await work.until(info, "completed")
        assert work.redis.hget(f"asynq:{{default}}:t:{info.id}", "result") == b"whole"

        await work.until(info, None)

    assert work.redis.zcard("asynq:{default}:completed") == 0


async def test_progress_is_the_result_of_a_handler_that_returns_none(work):
    mux = ServeMux()

    @mux.handler("email")
    def handle(ctx, task):
        ctx.write_result(b"half")

    async with work.serving(mux):
        info = await work.enqueue("email", retention=60)
        await work.until(info, "completed")

    assert work.redis.hget(f"asynq:{{default}}:t:{info.id}", "result") == b"half"


async def test_janitor_trims_the_archive(work):
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        raise SkipRetry

    async with work.serving(mux, archive_max_size=3):
        for _ in range(8):
            await work.enqueue("email")
        await eventually_async(
            lambda: work.count("failed") == 8 and work.redis.zcard("asynq:{default}:archived") == 3
        )

    assert len(work.redis.keys("asynq:{default}:t:*")) == 3


async def test_janitor_cleans_the_other_queues_although_one_is_broken(work):
    work.redis.set("asynq:{broken}:completed", "no sorted set")
    work.redis.set("asynq:{broken}:archived", "no sorted set")
    work.redis.hset("asynq:{default}:t:old", "state", "completed")
    work.redis.zadd("asynq:{default}:completed", {"old": 1})

    async with work.serving(ServeMux(), queues={"broken": 2, "default": 1}):
        await eventually_async(lambda: not work.redis.exists("asynq:{default}:completed"))

    assert work.redis.exists("asynq:{default}:t:old") == 0


async def test_heartbeater_shows_the_server_and_what_it_runs(work):
    release = asyncio.Event()
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        await release.wait()

    async with work.serving(mux, concurrency=7, queues={"default": 2}) as server:
        info = await work.enqueue("email", b"payload")
        await eventually_async(lambda: work.redis.keys("asynq:workers:*"))
        (member,) = work.redis.zrange("asynq:servers", 0, -1)
        shown = decode_server(work.redis.get(member))
        (key,) = work.redis.keys("asynq:workers:*")
        running = decode_worker(work.redis.hget(key, info.id))
        release.set()

    assert (shown.server_id, shown.concurrency, shown.status) == (server.id, 7, "active")
    assert dict(shown.queues) == {"default": 2}
    assert (running.task_type, running.task_payload, running.queue) == (
        "email",
        b"payload",
        "default",
    )
    assert work.redis.exists("asynq:servers", "asynq:workers", member, key) == 0


async def test_heartbeater_extends_the_lease_although_a_handler_blocks_the_loop(work):
    mux = ServeMux()
    attempts = []

    @mux.handler("email")
    async def handle(ctx, task):
        attempts.append(ctx.attempt)
        time.sleep(2.5)  # noqa: ASYNC251 - blocking the loop is what is tested

    async with work.serving(mux, lease_duration=1):
        info = await work.enqueue("email")
        await work.until(info, None)

    assert attempts == [1]
    assert work.count("failed") == 0


async def test_subscriber_cancels_a_running_task(work):
    started, ended = asyncio.Event(), []
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(ctx.is_cancelled)

    async with work.serving(mux):
        info = await work.enqueue("email", max_retry=0)
        await started.wait()
        await eventually_async(lambda: work.redis.publish("asynq:cancel", info.id) > 0)
        await work.until(info, "archived")

    assert ended == [True]
    assert work.message(info).error_msg == "context canceled"


async def test_recoverer_retries_the_task_of_a_worker_that_is_gone(work):
    attempts = []
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        attempts.append(ctx.attempt)

    info = await work.enqueue("email", max_retry=1)
    gone = await work.enqueue("email", max_retry=0)
    for each in (info, gone):  # leased by nobody, a long time ago
        work.redis.lrem("asynq:{default}:pending", 0, each.id)
        work.redis.lpush("asynq:{default}:active", each.id)
        work.redis.zadd("asynq:{default}:lease", {each.id: 1_000})
        work.redis.hset(f"asynq:{{default}}:t:{each.id}", "state", "active")
    async with work.serving(mux, retry_delay=retry.fixed(0.05)):
        await work.until(info, None)
        await work.until(gone, "archived")

    assert attempts == [2]
    assert work.message(gone).error_msg == "asynq: task lease expired"


async def test_a_retry_policy_that_fails_does_not_keep_the_recoverer_from_its_work(work):
    mux = ServeMux()

    def broken(retried, error, task):
        raise RuntimeError("no idea")

    info = await work.enqueue("email")
    work.redis.lmove("asynq:{default}:pending", "asynq:{default}:active")
    work.redis.zadd("asynq:{default}:lease", {info.id: 1_000})
    work.redis.hset(f"asynq:{{default}}:t:{info.id}", "state", "active")
    async with work.serving(mux, retry_delay=broken):
        await work.until(info, "retry")

    assert work.message(info).retried == 1


async def test_recoverer_drops_ghosts_and_archives_what_cannot_be_read(work):
    work.redis.lpush("asynq:{default}:active", "ghost", "garbage", "wrong")
    work.redis.zadd("asynq:{default}:lease", {"ghost": 1, "garbage": 2, "wrong": 3})
    work.redis.hset("asynq:{default}:t:garbage", mapping={"msg": b"\xff\xff", "state": "active"})
    work.redis.set("asynq:{default}:t:wrong", "no hash")

    async with work.serving(ServeMux()):
        await eventually_async(lambda: work.redis.llen("asynq:{default}:active") == 0)

    assert work.redis.zrange("asynq:{default}:archived", 0, -1) == [b"garbage"]
    assert work.redis.hget("asynq:{default}:t:garbage", "msg") == b"\xff\xff"
    assert work.redis.zcard("asynq:{default}:lease") == 0


async def test_a_paused_queue_is_left_alone(work):
    seen = []
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        seen.append(ctx.queue)

    work.redis.set("asynq:{paused}:paused", "1")
    async with work.serving(mux, queues={"paused": 9, "default": 1}):
        left = await work.enqueue("email", queue="paused")
        await work.until(await work.enqueue("email"), None)
        assert work.state(left) == "pending"
        work.redis.delete("asynq:{paused}:paused")
        await work.until(left, None)

    assert seen == ["default", "paused"]


async def test_a_pause_while_tasks_run_lets_them_end_and_starts_no_other(work):
    mux, started, release, seen = ServeMux(), asyncio.Event(), asyncio.Event(), []

    @mux.handler("email")
    async def handle(ctx, task):
        seen.append(ctx.queue)
        if ctx.queue == "default":
            started.set()
            await release.wait()

    settings = {"queues": {"default": 2, "low": 1}, "strict_priority": True, "concurrency": 1}
    async with work.serving(mux, **settings):
        runs = await work.enqueue("email")
        await started.wait()
        work.redis.set("asynq:{default}:paused", "1")
        waits = await work.enqueue("email")
        low = await work.enqueue("email", queue="low")
        release.set()
        await work.until(low, None)  # fetched after a look at the queue that is paused
        assert (work.state(runs), work.state(waits)) == (None, "pending")
        work.redis.delete("asynq:{default}:paused")
        await work.until(waits, None)

    assert seen == ["default", "low", "default"]


async def test_strict_priority_serves_the_higher_queue_first(work):
    seen = []
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        seen.append(ctx.queue)

    for queue in ("low", "high", "low", "high"):
        await work.enqueue("email", queue=queue)
    settings = {"queues": {"low": 1, "high": 2}, "strict_priority": True, "concurrency": 1}
    async with work.serving(mux, **settings):
        await eventually_async(lambda: len(seen) == 4)

    assert seen == ["high", "high", "low", "low"]


async def test_a_poisoned_message_does_not_stop_the_others(work, caplog):
    seen = []
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        seen.append(ctx.task_id)

    work.redis.hset("asynq:{default}:t:bad", mapping={"msg": b"\xff\xff", "state": "pending"})
    work.redis.lpush("asynq:{default}:pending", "bad", "ghost")
    info = await work.enqueue("email")
    async with work.serving(mux):
        await work.until(info, None)
        await eventually_async(
            lambda: work.redis.zrange("asynq:{default}:archived", 0, -1) == [b"bad"]
        )

    assert seen == [info.id]
    (told,) = [each for each in caplog.records if "task bad" in each.getMessage()]
    assert told.getMessage().startswith(
        "task bad of queue default cannot be read; the recoverer archives it: "
    )
    assert (told.exc_info, told.getMessage().count("\n")) == (None, 0)


async def test_healthchecker_tells_how_the_ping_went(work):
    told = asyncio.Queue()

    async with work.serving(ServeMux(), health_check=told.put, health_check_interval=0.02):
        first = await asyncio.wait_for(told.get(), 20)

    assert first is None
