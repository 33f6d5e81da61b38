"""Periodic tasks are enqueued when the clock of a test comes to their ticks."""

from datetime import UTC, timedelta

import pytest

from pyasynq import RetryLater
from pyasynq.app import App
from pyasynq.errors import ConfigError

DAY = timedelta(days=1)


@pytest.fixture
def app():
    return App(queues={"default": 1, "low": 1})


def due_times(harness):
    return [each.due_at for each in harness.tasks()]


def test_a_day_has_each_tick_in_its_order(app):
    ran = []

    @app.periodic("0 */6 * * *", args=("six",))
    @app.periodic("@every 8h", args=("eight",))
    @app.task
    def note(word: str) -> None:
        ran.append(word)

    with app.testing() as harness:
        harness.clock.advance(DAY)
        handled = harness.run_pending(raises=True)

    assert sorted(ran) == ["eight"] * 3 + ["six"] * 4
    assert [each.is_failure for each in handled] == [False] * 7


def test_each_task_is_enqueued_at_its_tick_and_not_before(app):
    @app.periodic("0 9 * * *", timezone="Asia/Shanghai")
    def morning() -> None: ...

    with app.testing() as harness:
        start = harness.clock.now
        one = start.astimezone(UTC).replace(hour=1, minute=0, second=0, microsecond=0)
        first = one if one > start else one + DAY
        harness.clock.advance(first - start - timedelta(microseconds=1))
        before = harness.tasks()
        harness.clock.advance(timedelta(microseconds=1))
        (task,) = harness.tasks()
        harness.clock.advance(2 * DAY)
        (handled, *_more) = handles = harness.run_pending()

    assert before == []
    assert (task.type, task.state) == ("morning", "pending")
    assert len(handles) == 3
    assert handled.id == task.id


def test_a_handler_sees_when_its_tick_was(app):
    times = []

    @app.periodic("@every 1h")
    def note() -> None: ...

    @app.middleware
    async def look(ctx, call_next):
        times.append(ctx.enqueued_at)
        return await call_next(ctx)

    with app.testing() as harness:
        start = harness.clock.now.replace(microsecond=0)
        harness.clock.advance(timedelta(hours=3))
        harness.run_pending(raises=True)

    assert [round((each - start) / timedelta(hours=1), 3) for each in times] == [1, 2, 3]


def test_locks_expire_between_ticks(app):
    @app.periodic("@every 10m", unique=1000)
    def sweep() -> None: ...

    with app.testing() as harness:
        harness.clock.advance(timedelta(hours=1))
        tasks = harness.tasks()

    assert len(tasks) == 3  # at 10, 30 and 50 minutes: the ticks between meet the lock


def test_a_tick_that_is_refused_is_logged(app, caplog):
    @app.periodic("@every 10m", task_id="one")
    def sweep() -> None: ...

    with app.testing() as harness:
        harness.clock.advance(timedelta(minutes=20))

    (line,) = caplog.messages
    assert line.startswith("cannot enqueue the tick of sweep: task 'one' is already in queue")


@pytest.mark.parametrize(("overlap", "count"), [("allow", 6), ("skip", 1), ("replace", 1)])
def test_policies_hold_as_in_a_scheduler(app, overlap, count):
    @app.periodic("@every 10m", overlap=overlap, jitter=30, queue="low")
    def sweep() -> None: ...

    with app.testing() as harness:
        harness.clock.advance(timedelta(minutes=61))
        tasks = harness.tasks(queue="low")

    assert len(tasks) == count


def test_run_all_moves_the_clock_to_tasks_and_does_the_ticks_on_the_way(app):
    waits = []

    @app.periodic("@every 10m")
    def sweep() -> None: ...

    @app.task
    def later() -> None:
        if not waits:
            waits.append(1)
            raise RetryLater(3600)

    with app.testing() as harness:
        idle = harness.run_all()
        later.enqueue()
        handled = harness.run_all()

    assert idle == []
    assert [each.type for each in handled].count("sweep") == 6
    assert [each.type for each in handled].count("later") == 2


def test_periodic_tasks_can_be_left_out(app):
    @app.periodic("@every 1s")
    def sweep() -> None: ...

    with app.testing(scheduler=False) as harness:
        harness.clock.advance(1000 * DAY)

        assert harness.tasks() == []


async def test_async_tests_have_periodic_tasks_too(app):
    @app.periodic("@every 1m")
    async def sweep() -> str:
        return "swept"

    async with app.testing() as harness:
        harness.clock.advance(120)
        handled = await harness.arun_pending(raises=True)

    assert [each.result for each in handled] == ["swept", "swept"]


def test_each_test_begins_anew(app):
    @app.periodic("@every 1h")
    def sweep() -> None: ...

    for _ in range(2):
        with app.testing() as harness:
            harness.clock.advance(3599)
            assert harness.tasks() == []
            harness.clock.advance(2)
            assert len(harness.tasks()) == 1


@pytest.mark.parametrize("by", [-1, "a", None])
def test_a_wrong_span_moves_nothing(app, by):
    @app.periodic("@every 1h")
    def sweep() -> None: ...

    with app.testing() as harness:
        before = harness.clock.now
        with pytest.raises(ConfigError):
            harness.clock.advance(by)

        assert harness.clock.now == before
