"""Times for people: when something was, and how far away it is."""

from datetime import UTC, datetime, timedelta

from pyasynq.shown import span

MINUTE_S = 60


def moment(time: datetime | None) -> str:
    """Return a time in whole seconds and in UTC; "-" for None."""
    return "-" if time is None else f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def until(time: datetime | None, now: datetime) -> str:
    """Return how far away a time is: "in 5m", or "now" if it is over; "-" for None."""
    if time is None:
        return "-"
    return f"in {span(time - now)}" if time - now >= timedelta(seconds=1) else "now"


def took(length: timedelta | None) -> str:
    """Return how long something took: "0.3 ms", "31 ms", "1.2 s", "5m 3s"; "-" for None."""
    if length is None:
        return "-"
    seconds = max(0.0, length.total_seconds())
    if seconds < 0.9995:  # noqa: PLR2004 - what is not rounded to 1 s
        return f"{seconds * 1000:.{0 if seconds >= 0.01 else 1}f} ms"  # noqa: PLR2004 - 10 ms
    return f"{seconds:.1f} s" if seconds < MINUTE_S else span(length)


def ago(time: datetime | None, now: datetime) -> str:
    """Return how long ago a time was: "5m ago"; "-" for None."""
    return "-" if time is None else f"{span(now - time)} ago"
