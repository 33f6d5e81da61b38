"""The clock of a worker is an hour off: schedules, retries and leases follow the clock of Redis."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from pyasynq import retry
from pyasynq.client_async import AsyncClient
from pyasynq.task import Task
from pyasynq.wire.keys import queue_keys
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.server import Server
from tests.faults.figures import show
from tests.faults.shift import CALM
from tests.support import process_handlers
from tests.support.builders import make_active
from tests.support.clocks import HOUR_S, WrongClock
from tests.support.eventually import eventually_async

pytestmark = pytest.mark.timeout(60)

both_ways = pytest.mark.parametrize("ahead_s", [HOUR_S, -HOUR_S])


@both_ways
async def test_tasks_with_every_kind_of_time_run_when_they_should(
    ahead_s, redis_url, redis_client, caplog
):
    """Each would run an hour late, at once, or never by the worker's own clock."""
    attempts: dict[str, int] = {}
    left: dict[str, float] = {}
    mux = ServeMux()

    @mux.handler("work")
    async def work(ctx, task):
        attempts[ctx.task_id] = attempts.get(ctx.task_id, 0) + 1
        left[ctx.task_id] = ctx.remaining().total_seconds()
        if ctx.task_id == "retried" and attempts["retried"] == 1:
            raise ValueError
        return b"result"

    soon = datetime.now(UTC) + timedelta(minutes=10)
    later = {"retention": 600, "max_retry": 1}
    options = {
        "plain": later,
        "scheduled": {**later, "process_in": 1},
        "expiring": {**later, "expires": 600},
        "due": {**later, "deadline": soon},
        "retried": later,
    }
    config = ServerConfig(**{**CALM, "janitor_interval": 0.05, "retry_delay": retry.fixed(0.5)})
    async with AsyncClient(redis_url) as client:
        async with Server(redis_url, config, clock=WrongClock(ahead_s)).running(mux):
            for task_id, given in options.items():
                await client.enqueue(Task("work"), task_id=task_id, **given)
            await eventually_async(lambda: redis_client.zcard("asynq:{default}:completed") == 5)
    now_s = redis_client.time()[0]
    kept = [
        score - now_s
        for _id, score in redis_client.zrange("asynq:{default}:completed", 0, -1, withscores=True)
    ]

    show(
        f"clock of the worker {ahead_s // HOUR_S:+d} h",
        tasks=5,
        lost=5 - len(attempts),
        duplicates=sum(attempts.values()) - 6,
        recovered_s=0,
    )
    assert attempts == {"plain": 1, "scheduled": 1, "expiring": 1, "due": 1, "retried": 2}
    assert 500 < left["due"] <= 600
    assert all(500 < each <= 601 for each in kept)
    assert [line for line in caplog.messages if "clock of this machine is" in line]


@both_ways
async def test_servers_with_different_clocks_leave_each_other_their_tasks(
    ahead_s, redis_url, redis_client
):
    started: list[str] = []
    may_end = asyncio.Event()
    mux = ServeMux()

    @mux.handler("work")
    async def work(ctx, task):
        started.append(ctx.task_id)
        await may_end.wait()

    quick = {"lease_duration": 1, "recover_interval": 0.05, "heartbeat_interval": 0.1}
    config = ServerConfig(**{**CALM, **quick, "concurrency": 2})
    async with AsyncClient(redis_url) as client:
        async with Server(redis_url, config, clock=WrongClock(ahead_s)).running(mux):
            for _ in range(2):
                await client.enqueue(Task("work"))
            await eventually_async(lambda: len(started) == 2)
            async with Server(redis_url, config).running(mux):
                for _ in range(2):
                    await client.enqueue(Task("work"))
                await eventually_async(lambda: len(started) == 4)
                await asyncio.sleep(3)  # longer than a lease and the grace after it
                may_end.set()
                await eventually_async(lambda: not redis_client.keys("asynq:{default}:t:*"))

    assert len(started) == len(set(started)) == 4
    assert redis_client.get("asynq:{default}:failed") is None


@both_ways
async def test_a_clock_that_jumps_neither_dates_tasks_wrongly_nor_takes_them_from_others(
    ahead_s, work
):
    """No heartbeat comes in between that could measure the clock again."""
    clock, is_held, may_end = WrongClock(), asyncio.Event(), asyncio.Event()
    mux, keys = ServeMux(), queue_keys("default")

    @mux.handler("fail")
    async def fail(ctx, task):
        raise ValueError

    @mux.handler("keep")
    async def keep(ctx, task):
        return None

    @mux.handler("hold")
    async def hold(ctx, task):
        is_held.set()
        await may_end.wait()

    quick = {"delayed_task_check_interval": 0.05, "recover_interval": 0.05}
    leases = {"lease_duration": 60, "heartbeat_interval": 30}
    config = ServerConfig(**{**CALM, **quick, **leases, "retry_delay": retry.fixed(500)})
    async with Server(work.url, config, clock=clock).running(mux):
        later = await work.enqueue("keep", process_in=600)
        of_another, lost = await asyncio.gather(
            *[work.client.enqueue(Task("keep"), process_in=1000, max_retry=5) for _ in range(2)]
        )
        clock.jump(ahead_s)
        now_s = work.redis.time()[0]
        for info, lease_s in ((of_another, now_s + 60), (lost, now_s - 100)):
            work.redis.zrem("asynq:{default}:scheduled", info.id)
            make_active(work.redis, info.id, keys=keys, data=work.data(info), lease_s=lease_s)
        failed, kept, soon, held = [
            await work.enqueue(task_type, **given)
            for task_type, given in (
                ("fail", {"max_retry": 5}),
                ("keep", {"retention": 600}),
                ("keep", {"process_in": 0.5}),
                ("hold", {}),
            )
        ]
        await is_held.wait()
        await work.until(failed, "retry")
        await work.until(kept, "completed")
        await work.until(lost, "retry")
        await work.until(soon, None)
        dates = {
            name: round(work.redis.zscore(f"asynq:{{default}}:{key}", info.id) - now_s, -1)
            for name, key, info in (
                ("failed", "retry", failed),
                ("lost", "retry", lost),
                ("kept", "completed", kept),
                ("held", "lease", held),
            )
        }
        states = work.state(later), work.state(of_another)
        may_end.set()

    assert dates == {"failed": 500, "lost": 500, "kept": 600, "held": 60}
    assert states == ("scheduled", "active")


@both_ways
async def test_a_client_whose_clock_jumps_schedules_by_the_time_of_redis(
    ahead_s, redis_url, redis_client
):
    clock = WrongClock()
    async with AsyncClient(redis_url, clock=clock) as client:
        await client.enqueue(Task("work"))
        clock.jump(ahead_s)
        info = await client.enqueue(Task("work"), process_in=600)

    now_s = redis_client.time()[0]
    assert 500 < redis_client.zscore("asynq:{default}:scheduled", info.id) - now_s <= 600


@both_ways
async def test_a_handler_in_a_process_has_the_time_left_that_the_worker_counts(ahead_s, work):
    """Also after a jump, which the process has not seen."""
    clock = WrongClock(ahead_s)
    config = ServerConfig(**CALM)
    left = []
    async with Server(work.url, config, clock=clock).running(process_handlers.mux):
        for _ in range(2):
            info = await work.enqueue("left", retention=60, timeout=60)
            await work.until(info, "completed")
            left.append(float(work.redis.hget(f"asynq:{{default}}:t:{info.id}", "result")))
            clock.jump(ahead_s)

    assert all(30 < seconds <= 60 for seconds in left)
