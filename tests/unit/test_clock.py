"""Times as users see them."""

from datetime import UTC, datetime, timedelta

import pytest

from pyasynq.clock import NANOSECONDS, to_datetime, to_ns, to_span

LATEST = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def test_a_time_is_told_to_the_microsecond_and_back():
    moment = datetime(2033, 5, 18, 3, 33, 20, 123_456, tzinfo=UTC)

    assert to_datetime(2_000_000_000_123_456_789) == moment
    assert to_ns(moment) == 2_000_000_000_123_456_000


@pytest.mark.parametrize(
    ("seconds", "moment"),
    [
        (1 << 40, LATEST),
        ((1 << 63) - 1, LATEST),
        (253_402_300_799, LATEST),
        (-62_135_596_800, datetime(1, 1, 1, tzinfo=UTC)),
        (-(1 << 63), datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_time_that_no_datetime_can_hold_becomes_the_nearest(seconds, moment):
    assert to_datetime(seconds * NANOSECONDS) == moment


@pytest.mark.parametrize(
    ("seconds", "span"),
    [
        (90, timedelta(minutes=1, seconds=30)),
        ((1 << 63) - 1, timedelta(days=999_999_999)),
        (-(1 << 63), timedelta(days=-999_999_999)),
        (1e30, timedelta(days=999_999_999)),
    ],
)
def test_a_span_that_no_timedelta_can_hold_becomes_the_longest(seconds, span):
    assert to_span(seconds) == span
