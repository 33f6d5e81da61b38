"""Reads cron specs: the standard syntax of robfig/cron v3, on which Go Asynq stands."""

import re
from collections.abc import Mapping
from datetime import UTC, timedelta, tzinfo
from types import MappingProxyType
from zoneinfo import ZoneInfo

from pyasynq.errors import ConfigError, PayloadError
from pyasynq.scheduler.cron.calendar import Calendar
from pyasynq.scheduler.cron.fields import DAY, HOUR, MINUTE, MONTH, SECOND, WEEKDAY, parse_field
from pyasynq.scheduler.cron.schedule import CronSchedule, EverySchedule, Schedule
from pyasynq.wire.go_duration import parse_duration

_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"  # for Go
_SPACES = re.compile(f"[{_SPACE}]+")
_AROUND = re.compile(f"^[{_SPACE}]+|[{_SPACE}]+$")
_ZONES = ("CRON_TZ=", "TZ=")
_DESCRIPTORS: Mapping[str, str] = MappingProxyType(
    {
        "@yearly": "0 0 1 1 *",
        "@annually": "0 0 1 1 *",
        "@monthly": "0 0 1 * *",
        "@weekly": "0 0 * * 0",
        "@daily": "0 0 * * *",
        "@midnight": "0 0 * * *",
        "@hourly": "0 * * * *",
    }
)
_EVERY = "@every "
_KINDS = (SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY)
_AN_EXAMPLE = "as in '30 9 * * mon-fri'"
_FIELDS = f"minute, hour, day, month, weekday, {_AN_EXAMPLE}; an interval is written '@every 5m'"
_WITH_SECONDS = "second, minute, hour, day, month, weekday"


def parse(spec: str, location: tzinfo | str = UTC, *, seconds: bool = False) -> Schedule:
    """Return when *spec* fires.

    Args:
        spec: five fields (minute, hour, day of the month, month, day of the week), each a number,
            a name such as ``mon``, ``*``, a range ``1-5``, with a step ``*/10``, or several of
            these with commas. If both fields for days restrict, either is enough. Or one of
            ``@yearly``, ``@monthly``, ``@weekly``, ``@daily``, ``@hourly``, or ``@every 1h30m``.
            ``CRON_TZ=Asia/Tokyo`` and a space before it name another time zone.
        location: the time zone in which it is meant, as a tzinfo or by its name.
        seconds: whether a field for seconds comes first; Go Asynq does not know such specs.

    Raises:
        ConfigError: it is not a spec; the text says which part is at fault.
    """
    if not isinstance(spec, str):
        raise ConfigError(f"a cron spec must be text, not {type(spec).__name__}")
    at = find_zone(location)
    zone, rest = at, spec
    if spec.startswith(_ZONES):
        name, space, rest = spec.partition(" ")
        if not space:
            raise _fault(
                spec,
                f"has nothing after the time zone; write a space and the fields, {_AN_EXAMPLE}",
            )
        zone, rest = _zone_of(name.partition("=")[2], at), _AROUND.sub("", rest)
    try:
        if rest.startswith("@"):
            return _parse_descriptor(spec, rest, zone, at)
        return CronSchedule(spec, _parse_fields(rest, seconds=seconds), zone, at)
    except ConfigError as error:
        raise _fault(spec, f"cannot be read: {error}") from None


def find_zone(name: tzinfo | str) -> tzinfo:
    """Return a time zone by its name in the time zone database; a tzinfo is returned as it is.

    Raises:
        ConfigError: there is no such time zone.
    """
    if isinstance(name, tzinfo):
        return name
    if not isinstance(name, str):
        raise ConfigError(f"a time zone must be a tzinfo or a name, not {type(name).__name__}")
    if name in ("", "UTC"):
        return UTC
    try:
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError):
        raise ConfigError(
            f"there is no time zone {name!r}; write one like 'Europe/Berlin' "
            "(if none is found, install tzdata)"
        ) from None


def _parse_descriptor(spec: str, text: str, zone: tzinfo, location: tzinfo) -> Schedule:
    fields = _DESCRIPTORS.get(text)
    if fields is not None:
        return CronSchedule(spec, _parse_fields(fields, seconds=False), zone, location)
    if text.startswith(_EVERY):
        try:
            nanoseconds = parse_duration(text.removeprefix(_EVERY))
        except PayloadError as error:
            raise ConfigError(str(error)) from None
        # Go cuts to whole seconds, and takes what is less than one for one.
        return EverySchedule(spec, timedelta(seconds=max(1, nanoseconds // 10**9)), location)
    known = ", ".join([*_DESCRIPTORS, "@every 1h30m"])
    raise ConfigError(f"{text!r} is not known; there are {known}")


def _parse_fields(text: str, *, seconds: bool) -> Calendar:
    texts = [each for each in _SPACES.split(text) if each]
    wanted = len(_KINDS) if seconds else len(_KINDS) - 1
    if len(texts) != wanted:
        fields = f": {_WITH_SECONDS if seconds else _FIELDS}"
        is_one_more = not seconds and len(texts) == wanted + 1
        hint = "; a field for seconds must be chosen" if is_one_more else fields
        raise ConfigError(f"it has {len(texts)} fields in place of {wanted}{hint}")
    given = texts if seconds else ["0", *texts]
    return Calendar(*(parse_field(kind, each) for kind, each in zip(_KINDS, given, strict=True)))


def _zone_of(name: str, location: tzinfo) -> tzinfo:
    """Return the time zone that a spec names; ``Local`` is where it is meant, as in robfig/cron."""
    return location if name == "Local" else find_zone(name)


def _fault(spec: str, why: str) -> ConfigError:
    return ConfigError(f"the cron spec {spec!r} {why}")
