"""Nothing that a server leaves in Redis grows without bound, or outlives its use."""

import logging
import time
from datetime import UTC, datetime, timedelta

import pytest

from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.clock import FakeClock, SystemClock
from pyasynq.connection.connector import Connector
from pyasynq.errors import ConfigError, SkipRetry
from pyasynq.wire.keys import queue_keys
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.maintenance.janitor import Janitor
from pyasynq.worker.server import Server
from tests.support.builders import make_data
from tests.support.commands import Commands
from tests.support.eventually import eventually_async
from tests.support.workplace import QUICK

KEYS = queue_keys("default")
OTHER = queue_keys("other")
LARGEST = 2**63 - 1
LONG_AGO_S = 1_000
# Redis has the time of the machine, so a day that lies ahead is one whose counters it keeps.
MIDNIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=2)


@pytest.fixture
async def janitor(redis_url):
    """Makes janitors that run only when told to."""
    runner = AsyncRunner(Connector.of(redis_url).open_async(), clock=SystemClock())

    def make(clock, **settings):
        return Janitor(runner, ServerConfig(**settings), clock, [KEYS])

    yield make
    await runner.close()


def keep(redis_client, kind, scores):
    """Put tasks into the archived or completed set, with locks of their own."""
    for task_id, score in scores.items():
        lock = f"asynq:{{default}}:unique:{task_id}"
        redis_client.set(lock, task_id)
        fields = {"msg": make_data(id=task_id), "state": kind, "unique_key": lock, "result": "x"}
        redis_client.hset(KEYS.task(task_id), mapping=fields)
        redis_client.zadd(f"asynq:{{default}}:{kind}", {task_id: score})


def left(redis_client, kind):
    """What is in a set; its tasks and locks are the same, and no others."""
    ids = [each.decode() for each in redis_client.zrange(f"asynq:{{default}}:{kind}", 0, -1)]
    tasks = {key.decode().rpartition(":")[2] for key in redis_client.keys("asynq:{default}:t:*")}
    locks = {
        key.decode().rpartition(":")[2] for key in redis_client.keys("asynq:{default}:unique:*")
    }
    assert tasks == locks == set(ids)
    return ids


def test_the_archive_keeps_what_that_of_go_keeps():
    config = ServerConfig()

    assert config.archive_max_size == 9_999
    assert config.archive_max_age == timedelta(days=90)


@pytest.mark.parametrize(
    "setting",
    [{"archive_max_size": -1}, {"archive_max_age": -1}, {"janitor_batch_size": 501}],
)
def test_limits_that_make_no_sense_are_refused(setting):
    with pytest.raises(ConfigError, match=next(iter(setting))):
        ServerConfig(**setting)


async def test_archived_tasks_go_when_they_are_too_old_whatever_their_number(janitor, redis_client):
    clock = FakeClock()
    now_s = clock.now_ns() // 10**9
    keep(redis_client, "archived", {"old": now_s - 101, "edge": now_s - 100, "new": now_s - 99})

    counts = await janitor(clock, archive_max_age=100).clean()

    assert counts == (0, 2)
    assert left(redis_client, "archived") == ["new"]


async def test_the_oldest_archived_tasks_go_when_they_are_too_many(janitor, redis_client):
    clock = FakeClock()
    now_s = clock.now_ns() // 10**9
    keep(redis_client, "archived", {f"task-{n}": now_s - 50 + n for n in range(5)})

    counts = await janitor(clock, archive_max_size=2).clean()

    assert counts == (0, 3)
    assert left(redis_client, "archived") == ["task-3", "task-4"]


async def test_completed_tasks_go_with_their_results_when_their_retention_is_over(
    janitor, redis_client
):
    clock = FakeClock()
    now_s = clock.now_ns() // 10**9
    keep(redis_client, "completed", {"over": now_s, "kept": now_s + 10})

    before = await janitor(clock).clean()
    kept = left(redis_client, "completed")
    clock.advance(10)
    after = await janitor(clock).clean()

    assert (before, kept, after) == ((1, 0), ["kept"], (1, 0))
    assert left(redis_client, "completed") == []


@pytest.mark.parametrize("kind", ["archived", "completed"])
async def test_a_pass_deletes_in_batches_as_large_as_the_setting(
    janitor, redis_client, redis_server, kind
):
    keep(redis_client, kind, dict.fromkeys("abcde", 1))
    sweeper = janitor(FakeClock(), janitor_batch_size=2)
    await sweeper.clean()  # Redis knows the scripts now
    keep(redis_client, kind, dict.fromkeys("abcde", 1))

    with Commands(redis_server) as commands:
        counts = await sweeper.clean()
        sent = commands.sent()

    assert sum(counts) == 5
    # Batches of 2, 2 and 1 of the one kind, and a look at the other.
    assert sent == ["exists", *["evalsha"] * 4]
    assert left(redis_client, kind) == []


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
        assert redis_client.expiretime(day) == expiry_s
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


async def test_a_key_of_another_type_keeps_the_janitor_from_nothing_else(
    runner, redis_client, caplog
):
    for keys in (KEYS, OTHER):
        for key in (keys.completed, keys.archived):
            redis_client.zadd(key, {"old": LONG_AGO_S})
    redis_client.set(KEYS.completed, "no set")
    janitor = Janitor(runner, ServerConfig(), SystemClock(), (KEYS, OTHER))

    assert await janitor.clean() == (1, 2)
    assert await janitor.clean() == (0, 0)

    said = [line.getMessage() for line in caplog.records if line.levelno >= logging.WARNING]
    assert len(said) == 1
    assert "queue default" in said[0]
