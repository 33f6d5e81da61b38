"""When cron specs fire, against an oracle that looks at every second of the clock on the wall."""

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pyasynq.errors import ConfigError
from pyasynq.scheduler.cron import CronSchedule, parse

MINUTE = timedelta(minutes=1)
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",  # midnight was skipped until 2018
    "Australia/Lord_Howe",  # half an hour
    "Asia/Kathmandu",  # 5 h 45 min
    "Africa/Casablanca",  # summer time but for Ramadan
    "Pacific/Apia",  # a day was skipped at the end of 2011
]
CHANGES = [  # moments near which the clocks of one of them changed
    datetime(2025, 3, 30, tzinfo=UTC),
    datetime(2025, 10, 26, tzinfo=UTC),
    datetime(2025, 3, 9, 6, tzinfo=UTC),
    datetime(2025, 11, 2, 5, tzinfo=UTC),
    datetime(2018, 11, 4, 2, tzinfo=UTC),
    datetime(2018, 2, 18, 1, tzinfo=UTC),
    datetime(2025, 4, 5, 14, tzinfo=UTC),
    datetime(2025, 10, 4, 14, tzinfo=UTC),
    datetime(2025, 2, 23, 1, tzinfo=UTC),
    datetime(2011, 12, 30, 9, tzinfo=UTC),
    datetime(2024, 2, 28, 12, tzinfo=UTC),
    datetime(2024, 12, 31, 12, tzinfo=UTC),
]


def parts(least: int, most: int) -> st.SearchStrategy[str]:
    number = st.integers(least, most)
    return st.one_of(
        st.just("*"),
        number.map(str),
        st.tuples(number, number).map(lambda pair: f"{min(pair)}-{max(pair)}"),
        st.integers(1, most).map(lambda step: f"*/{step}"),
        st.tuples(number, st.integers(1, most)).map(lambda pair: f"{pair[0]}/{pair[1]}"),
    )


def fields(least: int, most: int) -> st.SearchStrategy[str]:
    return st.lists(parts(least, most), min_size=1, max_size=3).map(",".join)


SPECS = st.tuples(fields(0, 59), fields(0, 23), fields(1, 31), fields(1, 12), fields(0, 6)).map(
    " ".join
)
MOMENTS = st.builds(
    lambda change, seconds: change + timedelta(seconds=seconds),
    st.sampled_from(CHANGES),
    st.integers(-90_000, 90_000),
)


def is_allowed(schedule: CronSchedule, at: datetime) -> bool:
    """Return whether the clock on the wall shows what the fields allow."""
    wall, calendar = at.astimezone(schedule.zone), schedule.calendar
    is_day = wall.day in calendar.days.values
    is_weekday = wall.isoweekday() % 7 in calendar.weekdays.values
    is_either_enough = not calendar.days.is_any and not calendar.weekdays.is_any
    return (
        wall.second in calendar.seconds.values
        and wall.minute in calendar.minutes.values
        and wall.hour in calendar.hours.values
        and wall.month in calendar.months.values
        and ((is_day or is_weekday) if is_either_enough else (is_day and is_weekday))
    )


@given(SPECS, st.sampled_from(ZONES), MOMENTS)
def test_it_fires_at_every_minute_that_the_clock_of_the_zone_allows(spec, zone, start):
    schedule = parse(spec, zone)
    minutes = [start.replace(second=0) + i * MINUTE for i in range(1, 720)]
    wanted = [each for each in minutes if is_allowed(schedule, each)][:40]

    found = list(islice(schedule.after(start), len(wanted)))

    assert [each.astimezone(UTC) for each in found] == wanted
    if not wanted:
        following = schedule.next_after(start)
        assert following is None or following > minutes[-1]


@given(SPECS, st.sampled_from(ZONES), MOMENTS)
def test_looking_back_finds_what_looking_ahead_found(spec, zone, start):
    schedule = parse(spec, zone)
    ahead = list(islice(schedule.after(start), 4))
    assume(len(ahead) > 1)

    for earlier, later in pairwise(ahead):
        assert schedule.previous_before(later) == earlier
        assert schedule.previous_before(later + timedelta(microseconds=1)) == later
        assert schedule.next_after(earlier) == later


@pytest.mark.parametrize(
    ("spec", "can_fire"),
    [
        ("0 0 30 2 *", False),
        ("0 0 31 2,4,6 *", False),
        ("0 0 31 2 mon", True),
        ("0 0 29 2 *", True),
        (", * * * *", False),
        ("* * , * *", False),
        ("* * * , *", False),
        ("* * , * mon", True),
        ("@every 5s", True),
    ],
)
def test_a_spec_knows_whether_there_is_a_moment_at_which_it_fires(spec, can_fire):
    assert parse(spec).can_fire is can_fire


def test_what_does_not_fire_within_five_years_is_told_at_once():
    start = datetime(2096, 3, 1, tzinfo=UTC)  # 2100 is no leap year

    assert parse("0 0 29 2 *").next_after(start) is None
    assert parse("0 0 30 2 *").next_after(start) is None
    assert parse("0 0 30 2 *").previous_before(start) is None
    assert list(parse("0 0 30 2 *", "Europe/Berlin").after(start)) == []


@pytest.mark.parametrize("zone", ZONES)
def test_the_ends_of_the_calendar_are_no_errors(zone):
    schedule = parse("0 0 29 2 *", zone)

    for moment in datetime(1900, 1, 1, tzinfo=UTC), datetime(9900, 12, 31, tzinfo=UTC):
        assert {schedule.next_after(moment), schedule.previous_before(moment)} - {None}


@pytest.mark.parametrize(
    "moment", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]
)
def test_a_moment_beyond_the_calendar_is_refused(moment):
    with pytest.raises(ConfigError, match="years from 1900 to 9900 are known"):
        parse("* * * * *").next_after(moment)


def test_seconds_may_be_chosen():
    schedule = parse("*/20 30 9 * * mon-fri", "Asia/Tokyo", seconds=True)
    start = datetime(2025, 1, 3, 9, 30, 20, tzinfo=ZoneInfo("Asia/Tokyo"))

    found = [each.isoformat() for each in islice(schedule.after(start), 2)]

    assert found == ["2025-01-03T09:30:40+09:00", "2025-01-06T09:30:00+09:00"]


def test_an_interval_goes_on_from_the_time_at_which_it_fired():
    schedule = parse("@every 1h30m", "Europe/Berlin")
    fired = datetime(2025, 3, 30, 1, 59, 59, 999_999, tzinfo=ZoneInfo("Europe/Berlin"))

    following = schedule.next_after(fired)

    assert following is not None
    assert following.isoformat() == "2025-03-30T04:29:59+02:00"
    assert schedule.previous_before(following) == fired.replace(microsecond=0)


@pytest.mark.parametrize("spec", ["* * * * *", "@every 1s"])
def test_a_moment_needs_a_time_zone(spec):
    with pytest.raises(ConfigError, match="has no time zone; give it one"):
        parse(spec).next_after(datetime(2025, 1, 1))
