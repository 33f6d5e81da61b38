"""The fields of a cron spec, such as ``1-5`` or ``*/10``, as robfig/cron v3 reads them."""

import re
from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from pyasynq.errors import ConfigError

_NUMBER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_OF_OTHERS = re.compile(r"[LWH#~]")
_MOST_DIGITS = 18  # more do not fit into 64 bits


class Kind(msgspec.Struct, frozen=True):
    """What a field is about.

    Attributes:
        name: as errors call it.
        least: its lowest value.
        most: its highest value.
        words: names that stand for values.
    """

    name: str
    least: int
    most: int
    words: Mapping[str, int] = MappingProxyType({})


def _numbered(names: str, first: int) -> Mapping[str, int]:
    return MappingProxyType({name: first + i for i, name in enumerate(names.split())})


SECOND = Kind("second", 0, 59)
MINUTE = Kind("minute", 0, 59)
HOUR = Kind("hour", 0, 23)
DAY = Kind("day of the month", 1, 31)
MONTH = Kind("month", 1, 12, _numbered("jan feb mar apr may jun jul aug sep oct nov dec", 1))
WEEKDAY = Kind("day of the week", 0, 6, _numbered("sun mon tue wed thu fri sat", 0))


class Field(msgspec.Struct, frozen=True):
    """The values that a field allows.

    Attributes:
        values: in order; none for a field like ``,``.
        is_any: whether the field was ``*`` or ``?``. Of the two fields for days, one that is
            leaves the decision to the other one.
    """

    values: tuple[int, ...]
    is_any: bool = False


def parse_field(kind: Kind, text: str) -> Field:
    """Return the values that *text* stands for.

    Raises:
        ConfigError: it is not the text of such a field.
    """
    values: set[int] = set()
    is_any = False
    for part in filter(None, text.split(",")):
        found, is_all = _parse_part(kind, part)
        values.update(found)
        is_any = is_any or is_all
    return Field(tuple(sorted(values)), is_any)


def _parse_part(kind: Kind, part: str) -> tuple[range, bool]:
    """Return the values of one part between commas, and whether it is ``*`` without a step."""
    span, *steps = part.split("/")
    if len(steps) > 1:
        raise _fault(kind, part, "has more than one '/'")
    first, *lasts = span.split("-")
    if first in ("*", "?"):  # what follows a hyphen then does not count, as in Go
        least, most = kind.least, kind.most
    else:
        if len(lasts) > 1:
            raise _fault(kind, part, "has more than one '-'")
        least = _value(kind, part, first)
        most = _value(kind, part, lasts[0]) if lasts else least
    step = _number(kind, part, steps[0]) if steps else 1
    if steps and not lasts:  # 5/10 goes on to the end
        most = kind.most
    if step == 0:
        raise _fault(kind, part, "has a step of 0")
    if least < kind.least or most > kind.most:
        raise _fault(kind, part, f"is not within {kind.least} to {kind.most}{_hint(kind, part)}")
    if least > most:
        raise _fault(kind, part, "ends before it begins; write two ranges with a comma")
    return range(least, most + 1, step), first in ("*", "?") and step == 1


def _value(kind: Kind, part: str, text: str) -> int:
    value = kind.words.get(text.lower())
    return _number(kind, part, text) if value is None else value


def _number(kind: Kind, part: str, text: str) -> int:
    if _NUMBER.fullmatch(text) is None or len(text.lstrip("+-0")) > _MOST_DIGITS:
        raise _fault(kind, part, f"is neither a number nor a name{_hint(kind, part)}")
    if int(text) < 0:
        raise _fault(kind, part, "has a negative number")
    return int(text)


def _hint(kind: Kind, part: str) -> str:
    """Say what to write instead of what other dialects of cron know."""
    if kind is WEEKDAY and part == "7":
        return "; Sunday is 0 or sun"
    if kind.words and part[:3].lower() in kind.words:
        return f"; names have three letters, as {part[:3].lower()}"
    if _OF_OTHERS.search(part):
        return "; L, W, H, # and ~ are not known here"
    return ""


def _fault(kind: Kind, part: str, why: str) -> ConfigError:
    return ConfigError(f"{part!r} in the field {kind.name} {why}")
