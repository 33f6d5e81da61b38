"""The text form of enqueue options that schedulers store: ``Queue("mail")``, ``Timeout(30s)``.

asynq v0.26 client.go (String methods) and inspector.go (parseOption). Go reads back all but
TaskID and Group, and cuts an argument at its first closing bracket; here whole arguments are read.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from pyasynq.errors import PayloadError
from pyasynq.wire.go_duration import format_duration, parse_duration

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_MAX_INT64 = 2**63 - 1
_ESCAPES = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    "\\": "\\\\",
    '"': '\\"',
}
_UNESCAPES = {text[1]: character for character, text in _ESCAPES.items()} | {"'": "'"}
_ESCAPED = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))")
_MOMENT = re.compile(
    r"(?i:(?:mon|tue|wed|thu|fri|sat|sun)) (?i:(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec))"
    r" {1,2}(\d{1,2}) (\d\d):(\d\d):(\d\d) ([A-Z]{3,5}|GMT[+-]\d{1,2}|[+-]\d\d) (\d{4})"
)


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as Go shows it: in whole seconds, with the name and the offset of its zone."""

    seconds: int
    utc_offset: int = 0
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Option:
    """One option.

    Attributes:
        type: Go's name, such as "MaxRetry".
        value: a number, a text, nanoseconds, a Moment, or (name, value) of a header.
    """

    type: str
    value: Any


def format_option(option: Option) -> str:
    """Return the text that Go writes.

    Raises:
        PayloadError: Go has no such option.
    """
    form = _FORMS.get(option.type)
    if form is None:
        raise PayloadError(f"{option.type!r} is not an option of Go")
    return f"{option.type}({form[0](option.value)})"


def parse_option(text: str) -> Option:
    """Return the option in *text*; anything after its last bracket is ignored.

    Raises:
        PayloadError: the text is not an option.
    """
    name, bracket, rest = text.partition("(")
    form = _FORMS.get(name)
    if form is None or not bracket:
        raise PayloadError(f"{text!r} is not an option")
    for argument in _arguments(rest):
        try:
            return Option(name, form[1](argument))
        except PayloadError:
            continue
    raise PayloadError(f"the argument of {text!r} cannot be read")


def quote(text: str) -> str:
    """Return *text* in quotes, like Go's strconv.Quote."""
    return f'"{"".join(_quoted(text))}"'


def unquote(text: str) -> str:
    """Return the text between the quotes, like Go's strconv.Unquote.

    Raises:
        PayloadError: it is not quoted, or an escape is wrong.
    """
    mark, body = text[:1], text[1:-1]
    if len(text) < 2 or mark not in "\"'`" or text[-1] != mark:  # noqa: PLR2004 - two marks
        raise PayloadError(f"{text!r} is not quoted")
    if mark == "`":
        return body
    plain = _ESCAPED.sub("", body)
    if mark in plain or "\\" in plain or "\n" in body:
        raise PayloadError(f"{text!r} is not quoted well")
    found = _ESCAPED.sub(_unescaped, body)
    try:
        value = found.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        raise PayloadError(f"{text!r} is not valid text") from error
    if mark == "'" and len(value) != 1:
        raise PayloadError(f"{text!r} is not one character")
    return value


def _quoted(text: str) -> Iterator[str]:
    for character in text:
        code = ord(character)
        if character in _ESCAPES:
            yield _ESCAPES[character]
        elif character.isprintable():
            yield character
        elif 0xDC80 <= code <= 0xDCFF:  # noqa: PLR2004 - a byte that is not UTF-8
            yield f"\\x{code - 0xDC00:02x}"
        elif code < 0x20 or code == 0x7F:  # noqa: PLR2004 - control characters of ASCII
            yield f"\\x{code:02x}"
        elif code < 0x10000:  # noqa: PLR2004 - the basic plane
            yield f"\\u{code:04x}"
        else:
            yield f"\\U{code:08x}"


def _unescaped(found: re.Match[str]) -> str:
    byte, short, long, octal, single = found.groups()
    if single is not None:
        if single not in _UNESCAPES:
            raise PayloadError(f"{found[0]!r} is not an escape sequence")
        return _UNESCAPES[single]
    code = int(octal, 8) if octal else int(byte or short or long, 16)
    if byte or octal:
        if code > 0xFF:  # noqa: PLR2004 - a byte
            raise PayloadError(f"{found[0]!r} is not a byte")
        return bytes([code]).decode("utf-8", "surrogateescape")
    if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:  # noqa: PLR2004 - the range of Unicode
        raise PayloadError(f"{found[0]!r} is not a character")
    return chr(code)


def _arguments(rest: str) -> Iterator[str]:
    """Yield the possible arguments: the text up to each closing bracket in turn."""
    position = rest.find(")")
    while position >= 0:
        yield rest[:position]
        position = rest.find(")", position + 1)


def _parse_max_retry(text: str) -> int:
    # Python refuses to read numbers of thousands of digits.
    found = re.fullmatch(r"([+-]?)0*([0-9]{1,19})", text)
    number = int(found[2]) if found else 0
    if found is None or number > _MAX_INT64:
        raise PayloadError(f"{text!r} is not a number")
    return 0 if found[1] == "-" else number


def _format_moment(moment: Moment) -> str:
    shown = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=moment.seconds + moment.utc_offset)
    sign, minutes = ("-" if moment.utc_offset < 0 else "+"), abs(moment.utc_offset) // 60
    zone = moment.zone or f"{sign}{minutes // 60:02d}{minutes % 60:02d}"
    return (
        f"{DAYS[shown.weekday()]} {MONTHS[shown.month - 1]} {shown.day:2d} "
        f"{shown:%H:%M:%S} {zone} {shown.year:04d}"
    )


def _parse_moment(text: str) -> Moment:
    """Read a moment; a zone that is only a name counts as UTC, since names are ambiguous."""
    found = _MOMENT.fullmatch(text)
    if found is None:
        raise PayloadError(f"{text!r} is not a time in Go's UnixDate form")
    month, day, hour, minute, second, zone, year = found.groups()
    date = int(year), MONTHS.index(month.title()) + 1, int(day)
    offset = 3600 * int(zone[3:]) if zone.startswith("GMT") and len(zone) > 3 else 0  # noqa: PLR2004
    try:
        shown = datetime(*date, int(hour), int(minute), int(second), tzinfo=UTC)
    except ValueError as error:
        raise PayloadError(f"{text!r} is not a time: {error}") from error
    since = shown - datetime(1970, 1, 1, tzinfo=UTC)
    return Moment(since.days * 86_400 + since.seconds, offset, zone)


def _format_header(header: tuple[str, str]) -> str:
    data = f"[{','.join(_json_text(text) for text in header)}]"
    for character in "<>&\u2028\u2029":
        data = data.replace(character, f"\\u{ord(character):04x}")
    return data


def _json_text(text: str) -> str:
    """Return *text* as JSON; bytes that are not UTF-8 become an escape, as in Go."""
    parts = re.split("[\ud800-\udfff]", text)
    escaped = "\\ufffd".join(msgspec.json.encode(part)[1:-1].decode() for part in parts)
    return f'"{escaped}"'


def _parse_header(text: str) -> tuple[str, str]:
    try:
        pair = msgspec.json.decode(text, type=list[str | None] | None) or []
    except (msgspec.DecodeError, UnicodeEncodeError) as error:
        raise PayloadError(f"{text!r} is not a header: {error}") from error
    name, value = [*pair, None, None][:2]
    return name or "", value or ""


_FORMS: dict[str, tuple[Callable[[Any], str], Callable[[str], Any]]] = {
    "MaxRetry": (str, _parse_max_retry),
    "Queue": (quote, unquote),
    "TaskID": (quote, unquote),
    "Group": (quote, unquote),
    "Timeout": (format_duration, parse_duration),
    "Unique": (format_duration, parse_duration),
    "ProcessIn": (format_duration, parse_duration),
    "Retention": (format_duration, parse_duration),
    "Deadline": (_format_moment, _parse_moment),
    "ProcessAt": (_format_moment, _parse_moment),
    "Header": (_format_header, _parse_header),
}
