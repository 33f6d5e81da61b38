"""Times and durations as Go writes them."""

from datetime import UTC, datetime, timedelta

from pyasynq.clock import MICROSECOND
from pyasynq.wire.go_duration import format_duration

ZERO_TIME = "0001-01-01T00:00:00Z"  # time.Time{} of Go
TEN_MS = 10_000  # microseconds


def exact_time(moment: datetime | None) -> str:
    """Return a time in RFC 3339 form with the fraction that it has, as Go's JSON; zero for None."""
    if moment is None:
        return ZERO_TIME
    text = moment.astimezone(UTC).replace(tzinfo=None).isoformat()
    return f"{text.rstrip('0') if '.' in text else text}Z"


def time_in_seconds(moment: datetime | None, *, unknown: str = "") -> str:
    """Return a time in RFC 3339 form to the second; *unknown* for None."""
    if moment is None:
        return unknown
    return exact_time(moment.replace(microsecond=0))


def rounded_duration(length: timedelta) -> str:
    """Return a duration, rounded to 10 ms, such as ``1m2.34s``."""
    microseconds = length // MICROSECOND
    rounded = (microseconds + TEN_MS // 2) // TEN_MS * TEN_MS
    return format_duration(rounded * 1000)
