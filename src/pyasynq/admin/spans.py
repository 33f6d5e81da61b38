"""Times for people: when something was, and how far away it is."""

from datetime import UTC, datetime, timedelta

from pyasynq.shown import span


def moment(time: datetime | None) -> str:
    """Return a time in whole seconds and in UTC; "-" for None."""
    return "-" if time is None else f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def until(time: datetime | None, now: datetime) -> str:
    """Return how far away a time is: "in 5m", or "now" if it is over; "-" for None."""
    if time is None:
        return "-"
    return f"in {span(time - now)}" if time - now >= timedelta(seconds=1) else "now"


def ago(time: datetime | None, now: datetime) -> str:
    """Return how long ago a time was: "5m ago"; "-" for None."""
    return "-" if time is None else f"{span(now - time)} ago"
