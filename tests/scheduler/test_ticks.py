"""Which tick comes next, also when some were missed."""

from datetime import UTC, datetime

import pytest

from pyasynq.scheduler.cron import parse
from pyasynq.scheduler.ticks import next_tick

NINE = int(datetime(2025, 1, 6, 9, tzinfo=UTC).timestamp())  # a Monday
MINUTE, HOUR, DAY = 60, 3600, 86_400


def found(spec: str, last_s: int, now_s: int, missed="once", within_s=DAY) -> int | None:
    return next_tick(parse(spec), last_s, now_s, missed=missed, within_s=within_s)


@pytest.mark.parametrize("missed", ["skip", "once", "all"])
@pytest.mark.parametrize("spec", ["*/5 * * * *", "@every 5m"])
def test_without_missed_ticks_the_next_one_is_ahead(spec, missed):
    assert found(spec, NINE, NINE + 2, missed) == NINE + 5 * MINUTE


@pytest.mark.parametrize("missed", ["skip", "once", "all"])
@pytest.mark.parametrize("spec", ["*/5 * * * *", "@every 5m"])
def test_a_tick_that_is_a_little_late_is_done_whatever_the_policy(spec, missed):
    assert found(spec, NINE, NINE + 5 * MINUTE + 50, missed) == NINE + 5 * MINUTE


@pytest.mark.parametrize("spec", ["*/5 * * * *", "@every 5m"])
@pytest.mark.parametrize(
    ("missed", "minutes"),
    [("skip", 65), ("once", 60), ("all", 5)],
)
def test_missed_ticks_are_left_out_or_done_once_or_done_all(spec, missed, minutes):
    now_s = NINE + 62 * MINUTE

    assert found(spec, NINE, now_s, missed) == NINE + minutes * MINUTE


@pytest.mark.parametrize("spec", ["*/5 * * * *", "@every 5m"])
@pytest.mark.parametrize(("missed", "minutes"), [("once", 300), ("all", 270)])
def test_what_is_over_for_too_long_is_left_out(spec, missed, minutes):
    now_s = NINE + 300 * MINUTE

    assert found(spec, NINE, now_s, missed, within_s=30 * MINUTE) == NINE + minutes * MINUTE


def test_a_daily_tick_is_left_out_if_it_is_over_for_too_long():
    assert found("0 9 * * *", NINE, NINE + 30 * HOUR, within_s=HOUR) == NINE + 2 * DAY
    assert found("0 9 * * *", NINE, NINE + 24 * HOUR + 10, "all", HOUR) == NINE + DAY


def test_an_interval_keeps_its_phase_after_a_gap():
    assert found("@every 7s", NINE, NINE + 701, "once", 3) == NINE + 700
    assert found("@every 7s", NINE, NINE + 705, "once", 3) == NINE + 707
    assert found("@every 7s", NINE, NINE + 705, "all", 10) == NINE + 700


def test_a_clock_that_has_gone_back_waits_for_the_tick_after_the_last_one():
    assert found("*/5 * * * *", NINE + HOUR, NINE) == NINE + HOUR + 5 * MINUTE


def test_what_never_fires_has_no_tick():
    assert found("0 0 30 2 *", NINE, NINE + HOUR) is None
