"""Subclasses of plain types as the plain types: a Markup is a str, a numpy.float64 a float.

They arrive as the plain types. What a plain type cannot hold, such as the nanoseconds of a
pandas.Timestamp, is refused.
"""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from pyasynq.errors import PayloadError


def _datetime(base: Any, value: Any) -> Any:
    parts = value.year, value.month, value.day, *_time_of_day(value)
    return base(*parts, tzinfo=value.tzinfo, fold=value.fold)


def _date(base: Any, value: Any) -> Any:
    return base(value.year, value.month, value.day)


def _time(base: Any, value: Any) -> Any:
    return base(*_time_of_day(value), tzinfo=value.tzinfo, fold=value.fold)


def _time_of_day(value: Any) -> tuple[int, int, int, int]:
    return value.hour, value.minute, value.second, value.microsecond


def _timedelta(base: Any, value: Any) -> Any:
    return base(value.days, value.seconds, value.microseconds)


# The classes stand in a table, since tests that freeze the time replace the names of a module.
_BASES: dict[type, Callable[[Any, Any], Any]] = {
    str: lambda _base, value: str.__str__(value),
    bytes: lambda _base, value: bytes.__bytes__(value),
    int: lambda _base, value: int.__int__(value),
    float: lambda _base, value: float.__float__(value),
    datetime: _datetime,
    date: _date,
    time: _time,
    timedelta: _timedelta,
    Decimal: lambda base, value: base(value),
    UUID: lambda base, value: base(int=value.int),
}
_EXACT = {bool, *_BASES}


def plain_scalar(value: Any) -> Any:
    """Return an instance of a subclass of a plain type as that type; else *value* itself.

    Raises:
        PayloadError: the plain type cannot hold the value.
    """
    if type(value) in _EXACT or isinstance(value, Enum):
        return value
    for base, remake in _BASES.items():
        if isinstance(value, base):
            plain = _remade(base, remake, value)
            if plain is None:
                kind = type(value).__name__
                raise PayloadError(f"this {kind} holds more than a {base.__name__}; convert it")
            return plain
    return value


def plain_value(value: Any) -> Any:
    """Return *value* with plain types in place of their subclasses, also inside of containers."""
    if isinstance(value, dict):
        return {plain_scalar(key): plain_value(each) for key, each in value.items()}
    for kind in (list, tuple, set, frozenset):
        if isinstance(value, kind):
            return kind(map(plain_value, value))
    return plain_scalar(value)


def _remade(base: type, remake: Callable[[Any, Any], Any], value: Any) -> Any:
    """Return *value* as a *base*; None if the two are not equal."""
    try:
        plain = remake(base, value)
    except (TypeError, ValueError):  # such as of pandas.NaT, which has no year
        return None
    is_number = base in (int, float)  # a nan is not even equal to itself
    return plain if is_number or plain == value else None
