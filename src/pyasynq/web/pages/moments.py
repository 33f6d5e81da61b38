"""Times that visitors type into forms. Pure."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from pyasynq.web.refusal import Refusal

UNITS: Mapping[str, str] = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

_SPAN = re.compile(r"([0-9]{1,6})([smhd])")


def moment_typed(text: str) -> datetime | None:
    """Return the time that a field for dates has sent, which is of UTC; None if it is empty.

    Raises:
        Refusal: it is no time.
    """
    if not text.strip():
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Refusal(400, "a time must be like 2030-01-31T12:00, in UTC", key="time") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def span_chosen(text: str) -> timedelta:
    """Return the length of time that a button has sent, such as ``5m``.

    Raises:
        Refusal: it is none.
    """
    found = _SPAN.fullmatch(text)
    if found is None:
        raise Refusal(400, "a length of time must be like 5m, 1h or 1d", key="span")
    return timedelta(**{UNITS[found[2]]: int(found[1])})
