"""Times and durations are written as Go writes them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from pyasynq.web.rest.go_text import exact_time, rounded_duration, time_in_seconds

EAST = timezone(timedelta(hours=8))


@pytest.mark.parametrize(
    ("moment", "exact", "in_seconds"),
    [
        (None, "0001-01-01T00:00:00Z", ""),
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), *["2026-01-02T03:04:05Z"] * 2),
        (
            datetime(2026, 1, 2, 3, 4, 5, 120_000, tzinfo=EAST),
            "2026-01-01T19:04:05.12Z",
            "2026-01-01T19:04:05Z",
        ),
        (datetime(9, 1, 1, tzinfo=UTC), *["0009-01-01T00:00:00Z"] * 2),
    ],
)
def test_a_time_has_the_fraction_that_it_has(moment, exact, in_seconds):
    assert (exact_time(moment), time_in_seconds(moment)) == (exact, in_seconds)


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(0), "0s"),
        (timedelta(milliseconds=4), "0s"),
        (timedelta(milliseconds=5), "10ms"),
        (timedelta(milliseconds=62_344), "1m2.34s"),
        (timedelta(hours=30, seconds=1), "30h0m1s"),
    ],
)
def test_a_duration_is_rounded_to_ten_milliseconds(length, text):
    assert rounded_duration(length) == text
