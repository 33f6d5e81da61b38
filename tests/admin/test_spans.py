"""Times for people."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from pyasynq.admin.spans import ago, moment, took, until
from pyasynq.shown import span

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0s"),
        (0.9, "0s"),
        (59, "59s"),
        (60, "1m"),
        (3661, "1h 1m"),
        (3605, "1h"),
        (90_000, "1d 1h"),
        (86_400 * 36_525, "36525d"),
    ],
)
def test_a_span_has_its_two_largest_units(seconds, text):
    assert span(timedelta(seconds=seconds)) == text


def test_moments_are_in_utc():
    east = datetime(2026, 1, 31, 12, 0, 5, tzinfo=timezone(timedelta(hours=2)))

    assert moment(east) == "2026-01-31 10:00:05 UTC"
    assert moment(None) == "-"


def test_times_are_told_from_now():
    assert until(NOW + timedelta(minutes=5), NOW) == "in 5m"
    assert until(NOW - timedelta(minutes=5), NOW) == "now"
    assert ago(NOW - timedelta(minutes=5), NOW) == "5m ago"
    assert (until(None, NOW), ago(None, NOW)) == ("-", "-")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *((0, "0.0 ms"), (0.0003, "0.3 ms"), (0.031, "31 ms"), (0.9996, "1.0 s"), (1.24, "1.2 s")),
        *((59.9, "59.9 s"), (303, "5m 3s"), (-1, "0.0 ms")),
    ],
)
def test_a_length_is_told_in_the_unit_that_says_most(seconds, text):
    assert took(timedelta(seconds=seconds)) == text
    assert took(None) == "-"
