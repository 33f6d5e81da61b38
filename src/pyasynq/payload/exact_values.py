"""Arguments that are exactly of the annotated types, and therefore arrive as they are.

Of such a value no check is needed, and its text need not be compared: ``type(value) is int`` says
all that there is to say about an int. So a call whose arguments all are such values is written at
once. Any other call, such as one with an instance of a subclass, takes the way with the checks.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from math import isfinite
from types import NoneType
from typing import Any
from uuid import UUID

from msgspec import inspect

MOST_SHAPES = 64  # kept; a function with more of them has many optional parameters

Check = Callable[[Any], bool]
Shape = tuple[type, ...]
"""The type of each argument."""


def _is_safe(_value: object) -> bool:
    return True


def _is_utc_or_naive(value: Any) -> bool:
    return value.tzinfo is None or value.tzinfo is UTC


# By the description of an annotation without constraints: the types that arrive as they are, and
# what has to be checked besides. The classes stand in tables, since tests that freeze the time
# replace the names of a module.
_SCALARS: dict[type[inspect.Type], dict[type, Check]] = {
    inspect.NoneType: {NoneType: _is_safe},
    inspect.BoolType: {bool: _is_safe},
    inspect.IntType: {int: _is_safe},
    inspect.FloatType: {float: isfinite},
    inspect.StrType: {str: _is_safe},
    inspect.BytesType: {bytes: _is_safe},
    inspect.DateType: {date: _is_safe},
    inspect.DateTimeType: {datetime: _is_utc_or_naive},
    inspect.UUIDType: {UUID: _is_safe},
    inspect.DecimalType: {Decimal: Decimal.is_finite},
    inspect.AnyType: {
        NoneType: _is_safe,
        bool: _is_safe,
        int: _is_safe,
        float: isfinite,
        str: _is_safe,
    },
}


def exact_types(kind: Any) -> Mapping[type, Check]:
    """Return the types whose instances arrive as they are where *kind* is the annotation.

    A value of such a type arrives as it is if the check is true of it. Types that are not there may
    be good nevertheless.
    """
    return _exact_types(inspect.type_info(kind))


class ExactShapes:
    """Knows the shapes of calls whose arguments arrive as they are.

    Args:
        parameters: the name and the annotation of each, in order.

    Attributes:
        exist: whether there are such calls.
    """

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self._names = tuple(parameters)
        self._types = tuple(map(exact_types, parameters.values()))
        self.exist: bool = all(self._types)
        self._known: dict[Shape, tuple[tuple[str, Check], ...]] = {}

    def arrive(self, values: Mapping[str, object]) -> bool:
        """Return whether *values*, one for each parameter in order, arrive as they are."""
        shape = tuple(map(type, values.values()))
        checks = self._known.get(shape)
        if checks is None:
            checks = self._checks(shape)
            if checks is None:
                return False
        return not checks or all(check(values[name]) for name, check in checks)

    def _checks(self, shape: Shape) -> tuple[tuple[str, Check], ...] | None:
        """Return the checks for a shape, and keep them; None if a type is not exact."""
        checks = []
        for name, kind, exact in zip(self._names, shape, self._types, strict=True):
            check = exact.get(kind)
            if check is None:
                return None
            if check is not _is_safe:
                checks.append((name, check))
        found = tuple(checks)
        if len(self._known) < MOST_SHAPES:
            self._known[shape] = found
        return found


def _exact_types(described: inspect.Type) -> Mapping[type, Check]:
    kind = type(described)
    if isinstance(described, inspect.UnionType):
        return _of_union(described)
    if isinstance(described, inspect.EnumType):
        return {described.cls: _is_safe}
    if isinstance(described, inspect.LiteralType):
        return dict.fromkeys(map(type, described.values), frozenset(described.values).__contains__)
    if kind in _SCALARS and described == kind():  # with a constraint they are not equal
        return _SCALARS[kind]
    return {}


def _of_union(described: inspect.UnionType) -> Mapping[type, Check]:
    found: dict[type, Check] = {}
    for part in described.types:
        for kind, check in _exact_types(part).items():
            # A type of two parts, such as a literal and all text, is left to the checks.
            found[kind] = check if kind not in found else _never
    return found


def _never(_value: object) -> bool:
    return False
