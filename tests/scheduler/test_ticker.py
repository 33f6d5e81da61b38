"""What the ticks of a scheduler leave in Redis, with a clock that the test moves."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from pyasynq.broker.operations import schedulers
from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.clock import FakeClock
from pyasynq.options import EnqueueOptions
from pyasynq.scheduler.entry import Policy, make_entry
from pyasynq.scheduler.hooks import Hooks
from pyasynq.scheduler.leadership import Leadership
from pyasynq.scheduler.ticker import BATCH, Ticker
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


async def test_many_entries_that_are_due_together_do_not_hold_up_the_loop(ticking):
    ticker = ticking.scheduler(*(entry(key=str(i)) for i in range(1000)))
    await ticker.fire_due()
    ticking.clock.advance(60)
    turns = 0

    async def take_turns():
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    others = asyncio.create_task(take_turns())
    made = await ticker.fire_due()
    others.cancel()

    assert made == 1000
    assert turns >= 1000 // BATCH  # one at least for each round trip


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


async def test_an_entry_that_is_registered_anew_ticks_as_it_is_now(ticking):
    known = entry("@hourly", key="k")
    ticker = ticking.scheduler(known)
    await ticker.fire_due()

    ticker._resources.entries[known.id] = entry("@every 1m", key="k", queue="low")
    await ticker.fire_due()
    ticking.clock.advance(60)

    assert await ticker.fire_due() == 1
    assert (ticking.pending("low"), ticking.pending()) == (1, 0)


async def test_an_entry_that_goes_while_it_catches_up_enqueues_nothing_more(ticking):
    known = entry(policy=Policy(missed="all"))
    entries = {}

    def take_away(*_given):
        entries.pop(known.id, None)
        ticker._changed.set()

    ticker = ticking.scheduler(known, hooks=Hooks(post_enqueue=take_away))
    await ticker.fire_due()
    entries = ticker._resources.entries
    ticking.clock.advance(HOUR)

    assert await ticker.fire_due() == 1


async def test_a_pass_ends_between_two_round_trips_when_it_is_not_wanted_any_more(ticking):
    ticker = ticking.scheduler(entry(policy=Policy(missed="all")))
    await ticker.fire_due()
    ticking.clock.advance(HOUR)
    wanted = iter([True, True, False])

    made = [await ticker.fire_due(lambda: next(wanted)), await ticker.fire_due()]

    assert made == [2, 58]


async def test_an_entry_that_fails_at_each_tick_is_one_line_beside_one_that_works(ticking, caplog):
    good, bad = entry(key="good"), entry(key="bad", task_id="taken")
    ticker = ticking.scheduler(good, bad)
    await ticker.fire_due()

    for _ in range(5):
        ticking.clock.advance(60)
        await ticker.fire_due()

    (line,) = [each for each in caplog.messages if "cannot enqueue" in each]
    assert bad.id in line
    assert ticking.pending() == 6


@pytest.mark.parametrize(
    ("options", "policy"),
    [({"unique": 600}, Policy()), ({}, Policy(overlap="skip"))],
    ids=["locked", "unfinished"],
)
async def test_ticks_that_pass_for_one_reason_are_one_line(ticking, caplog, options, policy):
    caplog.set_level("INFO")
    ticker = ticking.scheduler(entry(policy=policy, **options))
    await ticker.fire_due()

    for _ in range(5):
        ticking.clock.advance(60)
        await ticker.fire_due()

    assert ticking.pending() == 1
    assert [each.levelname for each in caplog.records if " passes: " in each.message] == ["INFO"]
    assert "cannot enqueue" not in caplog.text


async def test_an_entry_ticks_again_after_a_clock_was_a_year_ahead(ticking):
    known = entry()
    ahead = FakeClock(NINE + timedelta(days=365))
    ticking.clock, right = ahead, ticking.clock
    ticker = ticking.scheduler(known)
    await ticker.fire_due()
    ahead.advance(60)
    made = [await ticker.fire_due()]

    ticking.clock = ticker._clock = right  # while it runs
    made.append(await ticker.fire_due())
    for _ in range(2):
        right.advance(60)
        made.append(await ticker.fire_due())

    assert made == [1, 0, 1, 1]


async def test_a_record_that_is_a_little_ahead_makes_the_ticks_wait(ticking):
    known = entry()
    late = ticking.clock
    ticking.clock = FakeClock(NINE + timedelta(minutes=10))
    ahead = ticking.scheduler(known)
    await ahead.fire_due()
    ticking.clock.advance(60)
    made = [await ahead.fire_due()]
    ticking.clock = late
    behind = ticking.scheduler(known)

    for minutes in (5, 6, 1):
        late.advance(timedelta(minutes=minutes))
        made.append(await behind.fire_due())

    assert made == [1, 0, 0, 1]


@pytest.mark.parametrize(
    ("day", "made"),
    [((3, 29), 0), ((3, 30), 1), ((10, 25), 2), ((10, 26), 1)],
    ids=["skipped", "after it", "repeated", "after that"],
)
async def test_a_tick_in_the_hour_of_the_change_follows_the_wall_clock(ticking, day, made):
    ticking.clock = FakeClock(datetime(2025, *day, 22, tzinfo=UTC))
    options, policy = EnqueueOptions(), Policy(missed="all")
    berlin = make_entry(
        "shop", "30 2 * * *", Task("report"), options, location="Europe/Berlin", policy=policy
    )
    ticker = ticking.scheduler(berlin)
    await ticker.fire_due()

    ticking.clock.advance(timedelta(hours=24))

    assert await ticker.fire_due() == made


async def test_an_interval_is_as_long_on_the_days_of_the_change(ticking):
    ticking.clock = FakeClock(datetime(2025, 10, 25, 22, tzinfo=UTC))
    known = make_entry(
        *("shop", "@every 30m", Task("report"), EnqueueOptions()),
        location="Europe/Berlin",
        policy=Policy(missed="all"),
    )
    ticker = ticking.scheduler(known)
    await ticker.fire_due()

    ticking.clock.advance(timedelta(hours=24))

    assert await ticker.fire_due() == 48


async def test_a_leader_does_not_repeat_a_tick_that_a_failover_has_lost(ticking, redis_client):
    ticker = ticking.scheduler(entry())
    await ticker.fire_due()
    ticking.clock.advance(60)
    made = [await ticker.fire_due()]

    redis_client.flushall()  # the task, and the record of its tick
    made.append(await ticker.fire_due())
    ticking.clock.advance(60)
    made.append(await ticker.fire_due())

    assert made == [1, 0, 1]
