"""Values of the filter language: how they are written, and how they are read."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import isinf

from pyasynq.clock import MICROSECOND

PLAIN = re.compile(r"[\w.:@/+*?-]+")
LOOKS_LIKE_JSON = re.compile(r"true|false|null|-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
SPAN_UNITS_US: Mapping[str, int] = {
    "w": 604_800_000_000,
    "d": 86_400_000_000,
    "h": 3_600_000_000,
    "m": 60_000_000,
    "s": 1_000_000,
    "ms": 1000,
    "us": 1,
}
SIZE_UNITS: Mapping[str, int] = {
    "": 1,
    "b": 1,
    "kb": 1000,
    "mb": 1000**2,
    "gb": 1000**3,
    "kib": 1024,
    "mib": 1024**2,
    "gib": 1024**3,
}
MOST = 2**63 - 1
LONGEST = 20  # digits of a number that is certainly too large
_SPAN_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|us|[wdhms])", re.ASCII)
_SPAN = re.compile(rf"(?:{_SPAN_PART.pattern})+", re.ASCII)
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)", re.ASCII | re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_NUMBER = re.compile(r"\d+", re.ASCII)


def written(value: object, *, is_json: bool = False, is_quoted: bool = False) -> str:
    """Return a value as it is read again.

    Args:
        value: a text, a number, True, False, None, a length of time or a time.
        is_json: whether a text that looks like another JSON value must be quoted.
        is_quoted: whether a text is quoted although it could stand without quotes.
    """
    if isinstance(value, str):
        is_plain = PLAIN.fullmatch(value) and not (is_json and LOOKS_LIKE_JSON.fullmatch(value))
        return value if is_plain and not is_quoted else _in_quotes(value)
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, timedelta):
        return _written_span(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return repr(value)


def read_span(text: str) -> timedelta:
    """Return a length of time.

    Raises:
        ValueError: it is none; the text says what to write.
    """
    if _NUMBER.fullmatch(text):
        raise ValueError(f"{text!r} has no unit; write {text}s, {text}m, {text}h or {text}d")
    if not _SPAN.fullmatch(text):
        raise ValueError(f"{text!r} is not a length of time; write it like 30s, 10m, 1h30m or 7d")
    try:
        parts = [_span(count, unit) for count, unit in _SPAN_PART.findall(text)]
        return sum(parts, timedelta(0))
    except OverflowError:
        raise ValueError(f"{text!r} is too long; the longest is 999999999d") from None


def read_moment(text: str) -> datetime:
    """Return a time: a date is its first moment in UTC.

    Raises:
        ValueError: it is none; the text says what to write.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is not a time; write it like 2030-01-31, 2030-01-31T12:00Z, 10m or 7d"
        ) from None
    if _DATE.fullmatch(text):
        return moment.replace(tzinfo=UTC)
    if moment.utcoffset() is None:
        raise ValueError(f"{text!r} has no time zone; end it with Z or +02:00")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text!r} is not between the years 1 and 9999 in UTC") from None


def read_span_or_moment(text: str) -> timedelta | datetime:
    """Return a length of time, or a time.

    Raises:
        ValueError: it is neither; the text says what to write.
    """
    if _SPAN.fullmatch(text) or _NUMBER.fullmatch(text):
        return read_span(text)
    return read_moment(text)


def read_number(text: str) -> int:
    """Return a whole number.

    Raises:
        ValueError: it is none, or too large.
    """
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text!r} is not a whole number; write it like 3")
    return _bounded(text, int(text.lstrip("0")[:LONGEST] or "0"))


def read_size(text: str) -> int:
    """Return a size in bytes.

    Raises:
        ValueError: it is none; the text says what to write.
    """
    parts = _SIZE.fullmatch(text)
    unit = SIZE_UNITS.get(parts[2].lower()) if parts else None
    if parts is None or unit is None:
        raise ValueError(f"{text!r} is not a size; write it like 500, 10kB, 64KiB or 1.5MB")
    count = parts[1]
    if "." in count:
        return _bounded(text, int(min(float(count) * unit, 2.0 * MOST)))
    return _bounded(text, int(count.lstrip("0")[:LONGEST] or "0") * unit)


def read_flag(text: str) -> bool:
    """Return True or False.

    Raises:
        ValueError: it is neither.
    """
    if text.lower() not in ("true", "false"):
        raise ValueError(f"{text!r} is neither true nor false")
    return text.lower() == "true"


def read_json(text: str) -> str | int | float | bool | None:
    """Return a value that JSON has: what is not null, true, false or a number is a text.

    Raises:
        ValueError: a number is too large.
    """
    if not LOOKS_LIKE_JSON.fullmatch(text):
        return text
    if text in ("true", "false", "null"):
        return {"true": True, "false": False, "null": None}[text]
    if text.lstrip("-").isdecimal() and len(text) <= len(str(MOST)):
        return int(text)
    number = float(text)
    if isinf(number):
        raise ValueError(f"{text!r} is too large; put it in quotes to look for the text")
    return number


def _span(count: str, unit: str) -> timedelta:
    size = timedelta(microseconds=SPAN_UNITS_US[unit])
    return size * float(count) if "." in count else size * int(count[:LONGEST])


def _bounded(text: str, number: int) -> int:
    if number > MOST:
        raise ValueError(f"{text!r} is too large; the largest number is {MOST}")
    return number


def _in_quotes(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _written_span(span: timedelta) -> str:
    left = span // MICROSECOND
    parts = []
    for unit, size in list(SPAN_UNITS_US.items())[1:]:  # days can be many: nobody counts 52 weeks
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
