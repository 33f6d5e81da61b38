"""Outcomes are counted, each on its day, and counters do not grow without end."""

import time
from datetime import UTC, datetime, timedelta

from pyasynq.clock import FakeClock
from pyasynq.control_flow import SkipRetry
from pyasynq.wire.keys import queue_keys
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.server import Server
from tests.support.builders import make_data
from tests.support.eventually import eventually_async
from tests.support.golden_state import expires_at
from tests.support.workplace import QUICK

KEYS = queue_keys("default")
LARGEST = 2**63 - 1
# Redis has the time of the machine, so a day that lies ahead is one whose counters it keeps.
MIDNIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=2)


async def work_off(redis_url, redis_client, clock, *, fails=False):
    """Run one task under *clock*."""
    mux = ServeMux()

    @mux.handler("email")
    async def handle(ctx, task):
        if fails:
            raise SkipRetry

    task_id = f"task-{clock.now_ns()}"
    data = make_data(id=task_id, queue="default", timeout=1800)
    redis_client.hset(KEYS.task(task_id), mapping={"msg": data, "state": "pending"})
    before = int(redis_client.get(KEYS.processed) or 0)
    redis_client.lpush(KEYS.pending, task_id)
    async with Server(redis_url, ServerConfig(**QUICK), clock=clock).running(mux):
        await eventually_async(lambda: int(redis_client.get(KEYS.processed) or 0) != before)


async def test_the_counters_of_a_day_are_those_of_the_day_in_utc(
    redis_url, redis_client, monkeypatch
):
    monkeypatch.setenv("TZ", "Asia/Tokyo")  # where it is nine hours later
    time.tzset()
    try:
        clock = FakeClock(MIDNIGHT - timedelta(seconds=1))
        await work_off(redis_url, redis_client, clock)
        clock.advance(0.5)
        await work_off(redis_url, redis_client, clock, fails=True)
        clock.advance(0.5)
        await work_off(redis_url, redis_client, clock)
    finally:
        monkeypatch.undo()
        time.tzset()

    before, after = (MIDNIGHT - timedelta(days=1)).date(), MIDNIGHT.date()
    assert redis_client.get(f"asynq:{{default}}:processed:{before}") == b"2"
    assert redis_client.get(f"asynq:{{default}}:processed:{after}") == b"1"
    assert redis_client.get(f"asynq:{{default}}:failed:{before}") == b"1"
    assert redis_client.get(f"asynq:{{default}}:failed:{after}") is None
    assert redis_client.get(KEYS.processed) == b"3"


async def test_the_counters_of_a_day_expire_90_days_after_their_first_count(
    redis_url, redis_client
):
    clock = FakeClock(MIDNIGHT + timedelta(hours=1))
    await work_off(redis_url, redis_client, clock, fails=True)
    clock.advance(3600)
    await work_off(redis_url, redis_client, clock, fails=True)

    expiry_s = int((MIDNIGHT + timedelta(days=90, hours=1)).timestamp())
    for name in ("processed", "failed"):
        day = f"asynq:{{default}}:{name}:{MIDNIGHT.date()}"
        assert redis_client.get(day) == b"2"
        assert expires_at(redis_client, day) == expiry_s
        assert redis_client.ttl(f"asynq:{{default}}:{name}") == -1


async def test_a_total_begins_again_at_the_limit_of_64_bits(redis_url, redis_client):
    redis_client.set(KEYS.processed, LARGEST)
    redis_client.set(KEYS.failed, LARGEST - 1)
    clock = FakeClock(MIDNIGHT)

    await work_off(redis_url, redis_client, clock, fails=True)
    at_the_limit = redis_client.mget(KEYS.processed, KEYS.failed)
    clock.advance(1)
    await work_off(redis_url, redis_client, clock, fails=True)
    beyond = redis_client.mget(KEYS.processed, KEYS.failed)

    assert at_the_limit == [b"1", str(LARGEST).encode()]
    assert beyond == [b"2", b"1"]
    assert redis_client.get(f"asynq:{{default}}:failed:{MIDNIGHT.date()}") == b"2"
