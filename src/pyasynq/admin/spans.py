"""Times for people: when something was, and how far away it is."""

from datetime import UTC, datetime, timedelta

UNITS = (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))


def moment(time: datetime | None) -> str:
    """Return a time in whole seconds and in UTC; "-" for None."""
    return "-" if time is None else f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def span(length: timedelta) -> str:
    """Return a length in its two largest units, such as ``3h 5m``."""
    left = max(0, int(length.total_seconds()))
    if not left:
        return "0s"
    at = next(at for at, (_name, size) in enumerate(UNITS) if left >= size)
    parts = []
    for name, size in UNITS[at : at + 2]:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{name}")
    return " ".join(parts)


def until(time: datetime | None, now: datetime) -> str:
    """Return how far away a time is: "in 5m", or "now" if it is over; "-" for None."""
    if time is None:
        return "-"
    return f"in {span(time - now)}" if time - now >= timedelta(seconds=1) else "now"


def ago(time: datetime | None, now: datetime) -> str:
    """Return how long ago a time was: "5m ago"; "-" for None."""
    return "-" if time is None else f"{span(now - time)} ago"
