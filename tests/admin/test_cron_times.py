"""When entries are due, as far as what they show tells it."""

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from pyasynq.admin.cron_times import schedule_of, spec_of, times_of
from pyasynq.errors import ConfigError
from pyasynq.inspector import SchedulerEntry

NINE = datetime(2025, 1, 6, 9, tzinfo=UTC)


def entry(spec, following=NINE):
    return SchedulerEntry(
        id="e",
        spec=spec,
        task_type="sweep",
        payload=b"",
        options=(),
        next_enqueue_at=following,
        previous_enqueue_at=None,
    )


def test_an_entry_without_a_next_time_is_due_after_now():
    shown = entry("@hourly", None)

    (first,) = islice(times_of(shown, schedule_of(shown), NINE), 1)

    assert first == NINE + timedelta(hours=1)


def test_an_interval_keeps_the_phase_that_the_entry_shows():
    shown = entry("@every 7m", NINE + timedelta(seconds=13))

    found = list(islice(times_of(shown, schedule_of(shown), NINE), 2))

    assert found == [NINE + timedelta(seconds=13), NINE + timedelta(minutes=7, seconds=13)]


def test_the_time_zone_of_a_spec_is_known_by_its_next_time():
    with pytest.raises(ConfigError, match="is not meant in UTC time; name the time zone"):
        schedule_of(entry("0 17 * * *"))

    assert schedule_of(entry("0 17 * * *"), "Asia/Shanghai").next_after(NINE) > NINE


def test_a_spec_of_a_scheduler_that_knows_more_is_told():
    with pytest.raises(ConfigError, match="cannot be read"):
        schedule_of(entry("@fortnightly"))


@pytest.mark.parametrize(
    ("spec", "description"),
    [
        ("30 9 * * 1-5", "at 09:30 on Monday to Friday"),
        ("TZ=Asia/Tokyo 0 9 * * *", "at 09:00, Asia/Tokyo time"),
        ("@every 90s", "every 1 minute 30 seconds"),
        ("<b>", ""),
    ],
)
def test_a_spec_is_told_in_plain_english_if_it_can_be_read(spec, description):
    schedule = spec_of(entry(spec))

    assert (schedule.describe() if schedule else "") == description
