"""What the ticks of a scheduler leave in Redis, with a clock that the test moves."""

from datetime import UTC, datetime, timedelta

import pytest

from pyasynq.broker.operations import schedulers
from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.clock import FakeClock
from pyasynq.options import EnqueueOptions
from pyasynq.scheduler.entry import Policy, make_entry
from pyasynq.scheduler.hooks import Hooks
from pyasynq.scheduler.leadership import Leadership
from pyasynq.scheduler.ticker import Ticker
from pyasynq.task import Task
from pyasynq.wire.keys import queue_keys
from tests.support.builders import make_scheduler_resources

NINE = datetime(2025, 1, 6, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def entry(spec="@every 1m", key=None, policy=None, **options):
    task = Task("report", b"{}")
    return make_entry("shop", spec, task, EnqueueOptions(**options), key=key, policy=policy)


class Ticking:
    """Schedulers of one name on one Redis, and a clock that all of them follow."""

    def __init__(self, url, redis_client):
        self.clock = FakeClock(NINE)
        self._url, self._redis = url, redis_client
        self.runners: list[AsyncRunner] = []

    def scheduler(self, *entries, hooks=None):
        resources = make_scheduler_resources(
            self._url, self.clock, {each.id: each for each in entries}
        )
        self.runners.append(resources.runner)
        return Ticker(resources, Leadership(resources), hooks or Hooks())

    def pending(self, queue="default"):
        return self._redis.llen(queue_keys(queue).pending)


@pytest.fixture
async def ticking(redis_url, redis_client):
    ticking = Ticking(redis_url, redis_client)
    yield ticking
    for runner in ticking.runners:
        await runner.close()


async def test_a_tick_is_enqueued_when_it_is_due_and_not_before(ticking):
    ticker = ticking.scheduler(entry())

    made = [await ticker.fire_due()]
    for seconds in (59, 1, 59, 1):
        ticking.clock.advance(seconds)
        made.append(await ticker.fire_due())

    assert made == [0, 0, 1, 0, 1]
    assert ticking.pending() == 2


async def test_two_that_believe_to_lead_enqueue_each_tick_once(ticking):
    tickers = [ticking.scheduler(entry()) for _ in range(2)]
    for ticker in tickers:
        await ticker.fire_due()

    for _ in range(5):
        ticking.clock.advance(60)
        for ticker in tickers:
            await ticker.fire_due()

    assert ticking.pending() == 5


async def test_the_phase_of_an_interval_survives_restarts(ticking, redis_client):
    await ticking.scheduler(entry("@every 10m")).fire_due()
    made = []

    for _ in range(4):
        ticking.clock.advance(timedelta(minutes=4))  # shorter than the interval
        made.append(await ticking.scheduler(entry("@every 10m")).fire_due())

    assert made == [0, 0, 1, 0]


@pytest.mark.parametrize(("missed", "made"), [("skip", 0), ("once", 1), ("all", 12)])
async def test_a_restart_follows_the_policy_for_missed_ticks(ticking, missed, made):
    known = entry("*/5 * * * *", policy=Policy(missed=missed))
    await ticking.scheduler(known).fire_due()
    ticking.clock.advance(HOUR + timedelta(minutes=2))

    assert await ticking.scheduler(known).fire_due() == made
    ticking.clock.advance(timedelta(minutes=3))
    assert await ticking.scheduler(known).fire_due() == 1


@pytest.mark.parametrize(("missed", "made"), [("skip", 0), ("once", 1), ("all", 12)])
async def test_a_stall_follows_the_policy_for_missed_ticks(ticking, missed, made):
    ticker = ticking.scheduler(entry("*/5 * * * *", policy=Policy(missed=missed)))
    await ticker.fire_due()
    ticking.clock.advance(HOUR + timedelta(minutes=2))

    assert await ticker.fire_due() == made


async def test_an_entry_that_is_new_has_missed_nothing(ticking):
    assert (
        await ticking.scheduler(entry("*/5 * * * *", policy=Policy(missed="all"))).fire_due() == 0
    )


async def test_an_hour_of_seconds_makes_a_task_for_each(ticking, redis_client):
    ticker = ticking.scheduler(entry("@every 1s", policy=Policy(missed="all")))
    await ticker.fire_due()

    for step in range(1200):
        ticking.clock.advance(3 + (step % 5 - 2) / 10)
        await ticker.fire_due()

    assert ticking.pending() == 3600
    (history,) = redis_client.keys("asynq:scheduler_history:*")
    assert redis_client.zcard(history) == 1000
    assert redis_client.ttl(history) > 0


async def test_ten_thousand_entries_that_are_due_together_are_enqueued(ticking):
    ticker = ticking.scheduler(*(entry(key=str(i), policy=Policy()) for i in range(10_000)))
    await ticker.fire_due()
    ticking.clock.advance(60)

    assert await ticker.fire_due() == 10_000
    assert ticking.pending() == 10_000


async def test_a_paused_entry_makes_no_task_and_does_not_catch_up(ticking):
    known = entry(policy=Policy(missed="all"))
    ticker = ticking.scheduler(known)
    await ticker.fire_due()
    keys, runner = queue_keys("default"), ticker._runner
    for operation in schedulers.pause_entry(keys, known.id, {}):
        await runner.run(operation)

    ticking.clock.advance(HOUR)
    made = [await ticker.fire_due()]
    await runner.run(schedulers.resume_entry(keys, known.id))
    ticking.clock.advance(60)
    made.append(await ticker.fire_due())

    assert made == [0, 1]


async def test_hooks_are_told_of_what_is_enqueued_and_of_what_is_not(ticking):
    told = []

    async def post(info, error):
        told.append(("post", info and info.queue, type(error).__name__))

    hooks = Hooks(
        pre_enqueue=lambda task, options: told.append(("pre", task.type, options.queue)),
        post_enqueue=post,
        on_error=lambda task, _options, error: told.append(("error", task.type, str(error))),
    )
    ticker = ticking.scheduler(entry(queue="low", task_id="one"), hooks=hooks)
    await ticker.fire_due()

    for _ in range(2):
        ticking.clock.advance(60)
        await ticker.fire_due()

    assert [each[:2] for each in told] == [
        ("pre", "report"),
        ("post", "low"),
        ("pre", "report"),
        ("post", None),
        ("error", "report"),
    ]
    assert "'one'" in told[-1][2] or "one" in told[-1][2]


async def test_a_hook_that_fails_changes_nothing(ticking):
    def fail(*_given):
        raise RuntimeError("oh")

    hooks = Hooks(pre_enqueue=fail, post_enqueue=fail, on_error=fail)
    ticker = ticking.scheduler(entry(), hooks=hooks)
    await ticker.fire_due()
    ticking.clock.advance(60)

    assert await ticker.fire_due() == 1
