"""Nothing that a server leaves in Redis grows without bound, or outlives its use."""

import logging
from datetime import timedelta

import pytest

from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.clock import FakeClock, SystemClock
from pyasynq.connection.connector import Connector
from pyasynq.control_flow import SkipRetry
from pyasynq.errors import ConfigError
from pyasynq.wire.keys import queue_keys
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.maintenance.janitor import Janitor
from tests.support.builders import make_data, make_resources
from tests.support.commands import Commands
from tests.support.eventually import eventually_async

KEYS = queue_keys("default")
OTHER = queue_keys("other")
LONG_AGO_S = 1_000


@pytest.fixture
async def janitor(redis_url):
    """Makes janitors that run only when a test lets them."""
    runner = AsyncRunner(Connector.of(redis_url).open_async(), clock=SystemClock())

    def make(clock, **settings):
        return Janitor(make_resources(runner, config=ServerConfig(**settings), clock=clock))

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
    """Return the IDs in a set, and assert that exactly these have tasks and locks."""
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
    config = ServerConfig(queues={KEYS.queue: 1, OTHER.queue: 1})
    janitor = Janitor(make_resources(runner, config=config))

    assert await janitor.clean() == (1, 2)
    assert await janitor.clean() == (0, 0)

    warnings = [line.getMessage() for line in caplog.records if line.levelno >= logging.WARNING]
    assert len(warnings) == 1
    assert "queue default" in warnings[0]
