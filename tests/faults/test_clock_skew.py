"""The clock of a worker is an hour off: schedules, retries and leases follow the clock of Redis."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from pyasynq import retry
from pyasynq.client_async import AsyncClient
from pyasynq.clock import NANOSECONDS, SystemClock
from pyasynq.task import Task
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.server import Server
from tests.faults.figures import show
from tests.faults.shift import CALM
from tests.support.eventually import eventually_async

pytestmark = pytest.mark.timeout(60)

HOUR_S = 3600


class WrongClock(SystemClock):
    """A clock that is *ahead_s* ahead."""

    def __init__(self, ahead_s: int) -> None:
        super().__init__()
        self._ahead_ns = ahead_s * NANOSECONDS

    def now_ns(self) -> int:
        return super().now_ns() + self._ahead_ns

    def redis_now_ns(self) -> int:
        return self.now_ns() + self.offset_ns


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
