"""Options of a task are checked before anything is sent."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyasynq.errors import ConfigError
from pyasynq.options import EMPTY, EnqueueOptions

LATER = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("option", ["deadline", "process_at", "expires"])
@pytest.mark.parametrize(
    "moment",
    [
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(1970, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC),
        datetime(1970, 1, 1, 8, tzinfo=ZoneInfo("Asia/Shanghai")),
        datetime(1969, 12, 31, 19, tzinfo=ZoneInfo("America/New_York")),
        datetime.fromtimestamp(1_700_000_000 / 1000, UTC),  # milliseconds taken for seconds
        datetime(1971, 1, 1, tzinfo=timezone(timedelta(hours=1))),
        datetime.min.replace(tzinfo=UTC),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=1))),
        datetime.max.replace(tzinfo=UTC),
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-1))),
        datetime(9001, 1, 1, tzinfo=UTC),
    ],
)
def test_a_moment_that_cannot_be_meant_is_refused(option, moment):
    with pytest.raises(ConfigError, match=f"^{option} is out of range: .* the years 1971 to 9000"):
        EnqueueOptions(**{option: moment})


@pytest.mark.parametrize(
    "moment", [datetime(1971, 1, 1, tzinfo=UTC), datetime(9000, 12, 31, tzinfo=UTC)]
)
def test_any_other_moment_is_accepted_even_if_it_is_over(moment):
    assert EnqueueOptions(deadline=moment, process_at=moment, expires=moment)


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"queue": ""}, "queue must not be blank"),
        ({"queue": 5}, "queue must be text, not int"),
        ({"queue": "a\ud800"}, "is not valid Unicode"),
        ({"queue": "x" * 10_241}, "at most 10240 are allowed"),
        ({"task_id": " "}, "task_id must not be blank"),
        ({"max_retry": -1}, "max_retry must be from 0"),
        ({"max_retry": 2**31}, "max_retry must be from 0"),
        ({"max_retry": "5"}, "max_retry must be a whole number"),
        ({"max_retry": True}, "max_retry must be a whole number"),
        ({"timeout": -1}, "timeout must be at least 0 s"),
        ({"timeout": "30s"}, "timeout must be a timedelta or a number"),
        ({"timeout": float("nan")}, "timeout is out of range"),
        ({"timeout": float("inf")}, "timeout is out of range"),
        ({"timeout": 1e300}, "timeout is out of range"),
        ({"retention": timedelta(days=40_000)}, "retention must be at most 100 years"),
        ({"deadline": datetime(2030, 1, 1)}, "deadline has no time zone"),
        ({"deadline": 5}, "deadline is a time; for a duration write timeout=…"),
        ({"deadline": datetime(1900, 1, 1, tzinfo=UTC)}, "deadline is out of range"),
        ({"unique": 0.5}, "unique must be at least 1 s"),
        ({"unique": 5, "unique_until": "never"}, "unique_until must be one of"),
        ({"process_at": LATER, "process_in": 5}, "exclude each other"),
        ({"process_in": 60, "expires": 60}, "expires=60 is over before process_in=60, so the task"),
        ({"group": "\t"}, "group must not be blank"),
        ({"headers": {"a": 1}}, "headers must map text to text"),
        ({"headers": [("a", "b")]}, "headers must map text to text"),
        ({"headers": {"a": "\ud800"}}, "valid Unicode text; that of 'a' is not$"),
        ({"headers": {"token": b"hush"}}, "to text; that of 'token' is bytes$"),
        ({"expires": -5}, "expires must be at least 0 s"),
    ],
)
def test_a_wrong_option_is_named(options, fault):
    with pytest.raises(ConfigError, match=fault):
        EnqueueOptions(**options)


def test_every_fault_is_named_at_once():
    with pytest.raises(ConfigError) as caught:
        EnqueueOptions(queue="", max_retry=-1, timeout=-1)

    assert len(caught.value.faults) == 3


def test_an_unknown_option_is_refused_and_the_known_ones_are_listed():
    with pytest.raises(ConfigError, match=r"unknown option 'x'; use one of queue, task_id"):
        EnqueueOptions.from_keywords({"x": 5})


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("retry", "max_retry"),
        ("max_retries", "max_retry"),
        ("countdown", "process_in"),
        ("delay", "process_in"),
        ("eta", "process_at"),
        ("time_limit", "timeout"),
        ("que", "queue"),
    ],
)
def test_the_option_that_is_meant_by_an_unknown_one_is_named(name, meant):
    with pytest.raises(ConfigError, match=f"unknown option '{name}'; did you mean '{meant}'"):
        EnqueueOptions.from_keywords({name: 5})


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (
            {"process_in": datetime(2030, 1, 1, tzinfo=UTC)},
            "process_in is a duration; for a time write process_at=…",
        ),
        ({"process_at": 60}, "process_at is a time; for a duration write process_in=…"),
        ({"process_at": timedelta(1)}, "process_at is a time; for a duration write process_in=…"),
        ({"deadline": 60}, "deadline is a time; for a duration write timeout=…"),
        ({"unique": True}, "unique is a duration, not True; for an hour write unique=3600"),
        (
            {"retention": True},
            "retention is a duration, not True; for an hour write retention=3600",
        ),
    ],
)
def test_a_value_that_belongs_to_another_option_is_told_which(options, fault):
    with pytest.raises(ConfigError) as caught:
        EnqueueOptions(**options)

    assert str(caught.value) == fault


def test_what_is_given_wins_over_what_is_weaker():
    weaker = EnqueueOptions(queue="low", max_retry=3, headers={"a": "1", "b": "1"})

    merged = EnqueueOptions(queue="high", headers={"b": "2"}).merged_over(weaker)

    assert merged == EnqueueOptions(queue="high", max_retry=3, headers={"a": "1", "b": "2"})


def test_a_time_given_replaces_a_time_of_the_other_form():
    merged = EnqueueOptions(process_in=5).merged_over(EnqueueOptions(process_at=LATER))

    assert merged == EnqueueOptions(process_in=5)


def test_nothing_changes_over_nothing():
    options = EnqueueOptions(queue="mail")

    assert options.merged_over(EMPTY) is options


anything = st.one_of(st.none(), st.text(), st.integers(), st.floats(), st.booleans(), st.binary())


@given(st.dictionaries(st.sampled_from(sorted(EnqueueOptions.__dataclass_fields__)), anything))
def test_any_values_give_options_or_one_clear_error(values):
    try:
        options = EnqueueOptions.from_keywords(values)
    except ConfigError as error:
        assert error.faults
        return

    assert all(
        getattr(options, name) is value or getattr(options, name) == value
        for name, value in values.items()
    )
