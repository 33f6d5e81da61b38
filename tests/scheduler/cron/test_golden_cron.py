"""Cron specs against what robfig/cron v3, on which Go Asynq stands, made of them."""

import re
from datetime import UTC, datetime

import pytest

from pyasynq.errors import ConfigError
from pyasynq.scheduler.cron import parse
from tests.support.golden_data import load

GOLDEN = load("cron")
HALF_HOURS = "Australia/Lord_Howe"  # whose summer time is half an hour
# Go steps through a day in whole hours: it misses days, and fires when no clock shows the time.
WRONG_IN_GO = {
    ("0 2 * * *", "2025-04-05T12:00:00+11:00"): "2025-04-06T02:00:00+10:30",
    ("15 2 * * *", "2025-04-05T12:00:00+11:00"): "2025-04-06T02:15:00+10:30",
    ("45 1 * * *", "2025-10-04T12:00:00+10:30"): "2025-10-06T01:45:00+11:00",
    ("0 0 * * *", "2025-10-04T12:00:00+10:30"): "2025-10-06T00:00:00+11:00",
    ("0 0 * * *", "2025-04-05T12:00:00+11:00"): "2025-04-07T00:00:00+10:30",
    ("@daily", "2025-10-04T12:00:00+10:30"): "2025-10-06T00:00:00+11:00",
    ("@daily", "2025-04-05T12:00:00+11:00"): "2025-04-07T00:00:00+10:30",
    ("@weekly", "2025-10-04T12:00:00+10:30"): "2025-10-12T00:00:00+11:00",
    ("@weekly", "2025-04-05T12:00:00+11:00"): "2025-04-13T00:00:00+10:30",
}


def read(text: str) -> datetime:
    """Return the moment of a text of Go, to the microsecond."""
    return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))


def fires(case: dict) -> list[datetime | None]:
    schedule, at = parse(case["spec"], case["location"]), read(case["start"])
    found: list[datetime | None] = []
    while at is not None and len(found) < len(case["next"]):
        at = schedule.next_after(at)
        found.append(at)
    return found


def shown(moments: list[datetime | None]) -> list[str | None]:
    return [None if each is None else each.isoformat() for each in moments]


def is_wrong(case: dict) -> bool:
    return case["location"] == HALF_HOURS and (case["spec"], case["start"]) in WRONG_IN_GO


def test_every_recorded_case_is_replayed():
    assert (len(GOLDEN["schedules"]), len(GOLDEN["invalid"])) == (533, 81)
    assert sum(map(is_wrong, GOLDEN["schedules"])) == len(WRONG_IN_GO) == 9


@pytest.mark.parametrize(
    "case",
    [each for each in GOLDEN["schedules"] if not is_wrong(each)],
    ids=lambda case: f"{case['spec']} in {case['location']} from {case['start']}",
)
def test_a_spec_fires_when_it_does_in_go(case):
    wanted = [None if each is None else read(each) for each in case["next"]]

    assert shown(fires(case)) == shown(wanted)


@pytest.mark.parametrize(("spec", "start"), WRONG_IN_GO)
def test_a_summer_time_of_half_an_hour_is_neither_missed_nor_fired_at_another_time(spec, start):
    (case,) = (
        each
        for each in GOLDEN["schedules"]
        if (each["spec"], each["location"], each["start"]) == (spec, HALF_HOURS, start)
    )
    right = WRONG_IN_GO[spec, start]

    found = shown(fires(case))

    assert right in found
    assert found != case["next"]


@pytest.mark.parametrize("case", GOLDEN["invalid"], ids=lambda case: repr(case["spec"]))
def test_a_spec_that_go_refuses_is_refused(case):
    given = case["spec"]
    spec = given if isinstance(given, str) else bytes.fromhex(given["hex"]).decode()

    with pytest.raises(ConfigError):
        parse(spec)


def test_times_are_told_in_the_location_whatever_zone_the_spec_names():
    at = datetime(2025, 1, 1, tzinfo=UTC)

    found = parse("CRON_TZ=Asia/Tokyo 0 9 * * *", "Europe/Berlin").next_after(at)

    assert found is not None
    assert found.isoformat() == "2025-01-02T01:00:00+01:00"
