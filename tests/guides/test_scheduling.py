"""The guide to scheduling: its code is code that runs here."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from pyasynq import App, ConfigError, Inspector

app = App()


@app.task
def remind(user_id: int) -> None: ...


def enqueue_three():
    remind.options(process_in=3600).enqueue(42)  # in an hour
    remind.options(process_in=timedelta(days=3)).enqueue(42)
    nine = datetime(2030, 5, 1, 9, 0, tzinfo=ZoneInfo("Europe/Berlin"))
    remind.options(process_at=nine).enqueue(42)


@app.task(expires=300)
def send_code(phone: str) -> None: ...


@app.task(expires=10, max_retry=3)
def call(phone: str) -> None:
    raise ConnectionError(phone)


def test_a_reminder_is_sent_after_an_hour():
    with app.testing() as harness:
        handle = remind.options(process_in=3600).enqueue(42)
        assert harness.run_pending() == []
        assert handle.info().next_process_at == harness.clock.now + timedelta(hours=1)

        harness.clock.advance(3600)
        assert len(harness.run_pending(raises=True)) == 1


def test_times_are_given_in_three_ways():
    with app.testing() as harness:
        enqueue_three()
        hour, days, nine = harness.tasks(state="scheduled")

        assert nine.due_at == datetime(2030, 5, 1, 7, 0, tzinfo=UTC)
        assert (days.due_at - hour.due_at) == timedelta(days=3) - timedelta(hours=1)


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ConfigError, match="process_at has no time zone"):
        remind.options(process_at=datetime(2030, 5, 1, 9, 0))


def test_a_time_that_is_over_is_now():
    with app.testing() as harness:
        handle = remind.options(process_at=harness.clock.now - timedelta(days=1)).enqueue(42)

        assert handle.info().state == "pending"


def test_what_has_not_started_in_time_is_dropped():
    with app.testing() as harness:
        handle = send_code.enqueue("0123")
        harness.clock.advance(300)

        assert harness.run_pending() == []
        assert harness.tasks() == []
        assert handle.queue == "default"


def test_a_task_that_would_expire_before_it_is_due_is_refused():
    with pytest.raises(ConfigError, match="would never run"):
        send_code.options(process_in=600)


def test_a_retry_that_would_start_too_late_is_dropped():
    with app.testing() as harness:
        call.enqueue("0123")
        assert len(harness.run_pending()) == 1

        harness.clock.advance(60)
        assert harness.run_pending() == []
        assert harness.tasks() == []


def test_a_task_is_put_off_and_started_at_once():
    with app.testing() as harness, Inspector(harness.url, clock=harness.clock) as inspector:
        handle = remind.options(process_in=3600).enqueue(42)
        tomorrow = harness.clock.now + timedelta(days=1)

        inspector.tasks.reschedule(handle.queue, handle.id, tomorrow)
        assert handle.info().next_process_at == tomorrow

        inspector.tasks.run(handle.queue, handle.id)
        assert handle.info().state == "pending"
