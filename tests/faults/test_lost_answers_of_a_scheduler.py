"""A tick whose answer is lost, or at which Redis is away, makes one task all the same."""

from datetime import UTC, datetime, timedelta

import pytest

from pyasynq.clock import FakeClock
from pyasynq.errors import RedisUnavailableError
from pyasynq.options import EnqueueOptions
from pyasynq.scheduler.entry import Policy, make_entry
from pyasynq.scheduler.hooks import Hooks
from pyasynq.scheduler.leadership import Leadership
from pyasynq.scheduler.ticker import Ticker
from pyasynq.task import Task
from pyasynq.wire.keys import queue_keys
from tests.support.builders import make_scheduler_resources
from tests.support.chaos_proxy import ChaosProxy
from tests.support.redis_server import RedisServer

NINE = datetime(2025, 1, 6, 9, tzinfo=UTC)
KEYS = queue_keys("default")
TICK = KEYS.tick("").encode()


@pytest.fixture
def proxy(redis_server, redis_url):
    with ChaosProxy(redis_server.port) as proxy:
        yield proxy


@pytest.fixture
def lasting_redis():
    server = RedisServer("--appendonly", "yes", "--appendfsync", "always")
    yield server
    server.stop()


@pytest.fixture
async def tickers():
    made = []

    def make(url, clock, *, told=None, **policy):
        entry = make_entry(
            *("shop", "@every 1m", Task("report"), EnqueueOptions()), policy=Policy(**policy)
        )
        resources = make_scheduler_resources(url, clock, {entry.id: entry})
        hooks = Hooks(post_enqueue=None if told is None else lambda info, _error: told.append(info))
        made.append(Ticker(resources, Leadership(resources), hooks))
        return made[-1]

    yield make
    for ticker in made:
        await ticker._runner.close()


async def until_it_answers(ticker):
    """Let a ticker do all that is due, as its loop does after an outage."""
    while True:
        try:
            return await ticker.fire_due()
        except RedisUnavailableError:
            pass


async def test_a_tick_whose_answer_is_lost_makes_one_task_and_is_told_once(
    proxy, tickers, redis_client
):
    clock, told = FakeClock(NINE), []
    ticker = tickers(proxy.url, clock, told=told)
    await ticker.fire_due()

    for _ in range(20):
        clock.advance(60)
        proxy.cut_after = TICK
        with pytest.raises(RedisUnavailableError):
            await ticker.fire_due()
        await until_it_answers(ticker)

    stored = [each.decode() for each in redis_client.lrange(KEYS.pending, 0, -1)]
    assert proxy.cuts == 20
    assert sorted(info.id for info in told) == sorted(stored)
    assert len(stored) == 20


async def test_another_leader_does_not_repeat_the_tick_whose_answer_was_lost(
    proxy, tickers, redis_url, redis_client
):
    clock = FakeClock(NINE)
    first, second = tickers(proxy.url, clock), tickers(redis_url, clock)
    await first.fire_due()
    await second.fire_due()
    clock.advance(60)
    assert await second.fire_due() == 1  # from now on the server knows the script
    made = []

    for _ in range(5):
        clock.advance(60)
        proxy.cut_after = TICK
        with pytest.raises(RedisUnavailableError):
            await first.fire_due()
        made.append(await second.fire_due())
        await until_it_answers(first)

    assert made == [0] * 5
    assert redis_client.llen(KEYS.pending) == 1 + 5


@pytest.mark.parametrize(("missed", "made"), [("once", 4), ("all", 12)])
async def test_ticks_while_redis_is_away_follow_the_policy(
    proxy, tickers, redis_client, missed, made
):
    clock = FakeClock(NINE)
    ticker = tickers(proxy.url, clock, missed=missed)
    await ticker.fire_due()
    clock.advance(60)
    await ticker.fire_due()

    proxy.refuse()
    proxy.cut()
    for _ in range(10):
        clock.advance(60)
        with pytest.raises(RedisUnavailableError):
            await ticker.fire_due()
    proxy.accept()
    await until_it_answers(ticker)
    clock.advance(60)
    await until_it_answers(ticker)

    # The tick that was tried first is never left out, since it may have been stored.
    assert redis_client.llen(KEYS.pending) == made


async def test_a_redis_that_dies_at_a_tick_and_comes_back_neither_loses_nor_repeats_it(
    lasting_redis, tickers
):
    clock = FakeClock(NINE)
    ticker = tickers(lasting_redis.tcp_url, clock, missed="all")
    await ticker.fire_due()

    for step in range(4):
        clock.advance(60)
        if step % 2:
            await ticker.fire_due()
        lasting_redis.kill()
        with pytest.raises(RedisUnavailableError):
            clock.advance(60)
            await ticker.fire_due()
        lasting_redis.start()
        await until_it_answers(ticker)

    with lasting_redis.client() as client:
        assert client.llen(KEYS.pending) == 8
        assert int(client.hget(client.keys("*x:tick:*")[0], "at")) == stamp(minutes=8)


async def test_an_interval_keeps_its_phase_through_an_outage(proxy, tickers, redis_client):
    clock = FakeClock(NINE)
    ticker = tickers(proxy.url, clock)
    await ticker.fire_due()
    proxy.refuse()
    proxy.cut()
    clock.advance(90)
    with pytest.raises(RedisUnavailableError):
        await ticker.fire_due()
    proxy.accept()
    await until_it_answers(ticker)
    clock.advance(29)
    made = [await ticker.fire_due()]
    clock.advance(1)
    made.append(await ticker.fire_due())

    assert made == [0, 1]


def stamp(*, minutes):
    return int((NINE + timedelta(minutes=minutes)).timestamp())
