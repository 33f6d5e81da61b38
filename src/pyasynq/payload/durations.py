"""A timedelta on the wire: integer nanoseconds, like Go's time.Duration."""

from datetime import timedelta
from typing import Any

from pyasynq.errors import PayloadError

MICROSECOND = timedelta(microseconds=1)
INT64 = range(-(2**63), 2**63)


def to_nanoseconds(span: timedelta) -> int:
    """Return *span* as Go's time.Duration.

    Raises:
        PayloadError: it is longer than the 292 years of a time.Duration.
    """
    count = span // MICROSECOND * 1000
    if count not in INT64:
        raise PayloadError(f"{span} is longer than 292 years, the most that Go can read")
    return count


def from_nanoseconds(value: Any) -> Any:
    """Return the timedelta for a number of nanoseconds, rounded down to microseconds.

    Anything else is returned as it is, for the conversion to judge.
    """
    is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    if is_whole and not isinstance(value, bool) and int(value) in INT64:
        return timedelta(microseconds=int(value) // 1000)
    return value
