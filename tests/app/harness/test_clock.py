"""The clock of a test: where it begins, and how it is moved."""

from datetime import UTC, datetime, timedelta

import pytest

from pyasynq.app import App
from pyasynq.errors import ConfigError, ResultTimeoutError, ServerStateError

app = App()
MONDAY = datetime(2030, 1, 7, 8, 59, 30, tzinfo=UTC)


@app.periodic("0 9 * * mon")
def report() -> None: ...


@app.task(retention=60)
def work() -> str:
    return "done"


def test_it_begins_when_the_test_says():
    with app.testing(now=MONDAY) as harness:
        assert harness.clock.now == MONDAY

        harness.clock.advance(30)

        assert [each.type for each in harness.run_pending()] == ["report"]


def test_it_is_moved_to_a_time_and_never_past_a_tick():
    with app.testing(now=MONDAY) as harness:
        work.options(process_in=timedelta(days=3)).enqueue()
        (task,) = harness.tasks()

        harness.clock.advance_to(task.due_at)

        assert harness.clock.now == MONDAY + timedelta(days=3)
        assert [each.type for each in harness.run_pending()] == ["report", "work"]


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (MONDAY - timedelta(microseconds=1), "cannot go back"),
        (MONDAY.replace(tzinfo=None), "has no time zone"),
        (60, "must be an aware datetime, not int"),
    ],
)
def test_it_is_not_moved_to_a_wrong_time(moment, text):
    with app.testing(now=MONDAY) as harness, pytest.raises(ConfigError, match=text):
        harness.clock.advance_to(moment)


@pytest.mark.parametrize("now", [MONDAY.replace(tzinfo=None), "2030-01-07"])
def test_it_does_not_begin_at_a_wrong_time(now):
    with pytest.raises(ConfigError, match="now"):
        app.testing(now=now)


def test_a_result_for_which_nothing_runs_is_an_error_and_no_wait_for_ever():
    with app.testing() as harness:
        handle = work.enqueue()
        with pytest.raises(ServerStateError, match=r"call it first, or pass a timeout"):
            handle.result()
        with pytest.raises(ResultTimeoutError):
            handle.result(timeout=0)

        harness.run_pending()

        assert handle.result() == "done"


async def test_so_it_is_in_an_async_test():
    async with app.testing():
        handle = await work.aenqueue()
        with pytest.raises(ServerStateError, match=r"harness.run_pending"):
            await handle.aresult()
