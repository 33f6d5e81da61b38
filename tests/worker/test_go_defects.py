"""Defects of Go Asynq that are absent here, as far as no other test shows it.

docs/explain/go-defects.md has the whole list.
"""

import asyncio

from pyasynq.broker.operations import finish
from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.clock import SystemClock
from pyasynq.connection.connector import Connector
from pyasynq.control_flow import SkipRetry
from pyasynq.inspector.inspector_async import AsyncInspector
from pyasynq.lifecycle.component import Life
from pyasynq.wire.keys import queue_keys
from pyasynq.worker.assembly import assemble
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.server import Server
from tests.support.builders import NOW_NS, make_active, make_data, make_resources
from tests.support.chaos_proxy import ChaosProxy
from tests.support.eventually import eventually_async
from tests.support.signals import flushed
from tests.support.workplace import QUICK

KEYS = queue_keys("default")
NOW_S = NOW_NS // 1_000_000_000
OWNED = finish.Fence(owner="me")


def logged_by(caplog, name: str) -> list[str]:
    return [line.getMessage() for line in caplog.records if line.name == f"pyasynq.{name}"]


async def test_a_finished_task_is_not_run_again_when_its_final_write_failed(work, redis_server):
    """Go never repeats a final write that failed once; its task runs again after the lease."""
    attempts = []
    mux = ServeMux()
    with ChaosProxy(redis_server.port) as proxy:

        @mux.handler("email")
        async def handle(ctx, task):
            attempts.append(ctx.attempt)
            proxy.refuse()
            proxy.cut()

        settings = {**QUICK, "lease_duration": 20}
        async with Server(proxy.url, ServerConfig(**settings)).running(mux) as server:
            with flushed(server).listening() as flushes:
                info = await work.enqueue("email")
                assert [task.task_id for task, _outcome in await flushes.get()] == [info.id]
            proxy.accept()
            await work.until_written(server, info)

    assert attempts == [1]
    assert (work.count("processed"), work.count("failed")) == (1, 0)


async def test_a_task_is_completed_although_its_id_is_among_the_completed_already(
    runner, redis_client
):
    """Go removes it from `active`, then fails: it is in no list any more."""
    make_active(redis_client, "a", keys=KEYS, owner="me")
    redis_client.zadd(KEYS.completed, {"a": NOW_S + 60})
    item = finish.ToComplete(
        task_id="a", fence=OWNED, data=make_data(id="a"), expires_at_s=NOW_S + 60
    )

    assert await runner.run(finish.complete_many(KEYS, [item], now_ns=NOW_NS)) == [True]

    assert redis_client.hget(KEYS.task("a"), "state") == b"completed"
    assert redis_client.get(KEYS.processed) == b"1"


async def test_a_task_whose_hash_is_gone_is_done_and_frees_its_lock(runner, redis_client):
    """Go removes it from `active`, then fails: the lock stays until it expires."""
    make_active(redis_client, "a", keys=KEYS, owner="me")
    redis_client.delete(KEYS.task("a"))
    redis_client.set("asynq:{default}:unique:l", "a")
    item = finish.ToDelete(task_id="a", fence=OWNED, unique_key="asynq:{default}:unique:l")

    assert await runner.run(finish.done_many(KEYS, [item], now_ns=NOW_NS)) == [True]

    assert redis_client.exists(KEYS.active, KEYS.lease, "asynq:{default}:unique:l") == 0


async def test_a_result_of_a_deleted_task_leaves_nothing_that_blocks_its_id(runner, redis_client):
    assert not await runner.run(finish.write_result(KEYS, "a", "me", b"result"))

    assert redis_client.exists(KEYS.task("a")) == 0


async def test_eight_thousand_old_archived_tasks_keep_nothing_from_being_archived(work):
    """From 8,000 on the script of Go fails half-way, at every task it archives."""
    mux = ServeMux()
    old = dict.fromkeys(map(str, range(8_001)), 1)
    work.redis.zadd(KEYS.archived, old)

    @mux.handler("email")
    async def handle(ctx, task):
        raise SkipRetry

    async with work.serving(mux):
        info = await work.enqueue("email")
        await work.until(info, "archived")
        await eventually_async(lambda: work.redis.zcard(KEYS.archived) == 1)

    assert work.redis.zrange(KEYS.archived, 0, -1) == [info.id.encode()]
    assert (work.count("processed"), work.count("failed")) == (1, 1)


class HastyLife(Life):
    """Records the pauses of a component instead of waiting; stops it after some of them."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.pauses: list[float] = []
        self._most = most

    async def pause(self, seconds: float) -> bool:
        self.pauses.append(seconds)
        if len(self.pauses) == self._most:
            self.stop()
        await asyncio.sleep(0)
        return not self.stopping.is_set()


async def test_a_redis_that_is_gone_is_asked_more_and_more_rarely(caplog):
    """Go asks again at once, for as long as the outage lasts."""
    connector, clock, life = Connector.of("redis://127.0.0.1:1"), SystemClock(), HastyLife(9)
    runner = AsyncRunner(connector.open_async(), clock=clock)
    parts = assemble(
        ServeMux(),
        make_resources(runner, clock=clock, connector=connector),
        state=None,
        status=lambda: "active",
    )

    await parts.processor.run(life)
    await parts.executor.close()
    await runner.close()

    assert all(0.01 <= pause <= 1.5 for pause in life.pauses)
    assert sum(life.pauses[-3:]) >= 1.5
    assert len(logged_by(caplog, "server")) == 1


async def test_a_task_that_is_given_back_keeps_its_age(work):
    """Go loses the time since which it has been pending, and shows no latency."""
    started = asyncio.Event()
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        started.set()
        await asyncio.Event().wait()

    info = await work.enqueue("email")
    since = work.redis.hget(KEYS.task(info.id), "pending_since")
    async with work.serving(mux, shutdown_timeout=0.05):
        await started.wait()

    assert work.redis.hget(KEYS.task(info.id), "pending_since") == since
    async with AsyncInspector(work.url) as inspector:
        assert (await inspector.queues.info("default")).latency.total_seconds() > 0


async def test_tasks_that_are_being_aggregated_are_counted(work):
    """Go counts them nowhere."""
    await work.enqueue("email", group="g")
    set_key = KEYS.aggregation_set("g", "set")
    work.redis.rename(KEYS.group("g"), set_key)
    work.redis.zadd(KEYS.aggregation_sets, {set_key: NOW_S})

    async with AsyncInspector(work.url) as inspector:
        info = await inspector.queues.info("default")

    assert (info.aggregating, info.size) == (1, 1)


async def test_a_lock_for_a_second_on_a_task_due_in_no_time_is_taken(work):
    """Go asks Redis for a lock of zero seconds, and gets an error."""
    info = await work.enqueue("email", unique=1, process_in=0.005)

    lock = work.message(info).unique_key
    assert work.redis.get(lock) == info.id.encode()
    assert 0 < work.redis.pttl(lock) <= 2_000


async def test_a_queue_whose_keys_have_other_types_slows_no_other(work, caplog):
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        pass

    work.redis.set("asynq:{broken}:pending", "no list")
    async with work.serving(mux, queues={"broken": 9, "default": 1}, concurrency=1):
        for _ in range(60):
            await work.until(await work.enqueue("email"), None)

    logged = logged_by(caplog, "processor")
    assert len(logged) == 1
    assert logged[0].startswith("cannot fetch tasks of queue broken: redis refuses dequeue_many")


async def test_a_queue_whose_leases_cannot_be_extended_hides_no_server(work, caplog):
    release, started = asyncio.Event(), []
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        started.append(ctx.queue)
        await release.wait()

    async with work.serving(mux, queues={"broken": 1, "default": 1}, lease_duration=5):
        await work.enqueue("email", queue="broken")
        await eventually_async(lambda: started == ["broken"])
        work.redis.set("asynq:{broken}:lease", "no set")
        await eventually_async(lambda: logged_by(caplog, "heartbeater"))
        info = await work.enqueue("email")
        (workers,) = work.redis.keys("asynq:workers:*")
        await eventually_async(lambda: work.redis.hexists(workers, info.id))
        release.set()
        await work.until(info, None)

    assert len([line for line in logged_by(caplog, "heartbeater") if "leases" in line]) == 1
