"""A filter as data. `str` writes it in the language, so that it is read as the same again."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from typing_extensions import override

from pyasynq.admin.filters.values import written

Path = tuple[str | int, ...]
Value = tuple[str, ...] | str | int | float | bool | None | timedelta | datetime
PLAIN_KEY = re.compile(r"[\w-]+")
PLAIN_TEXT = re.compile(r"[\w.@/+*-]+")
KEYWORDS = ("and", "or", "not")


@dataclass(frozen=True, slots=True)
class Term:
    """A field compared with a value.

    Attributes:
        field: its name.
        operator: one of ``: = != ~ < <= > >=``.
        value: of the kind that the field has; for texts all that are allowed.
        path: into a JSON document; names of keys, and numbers of elements.
    """

    field: str
    operator: str
    value: Value
    path: Path = ()

    @override
    def __str__(self) -> str:
        path = "".join(map(_step, self.path))
        is_json = bool(self.path)
        values = self.value if isinstance(self.value, tuple) else (self.value,)
        texts = [written(each, is_json=is_json) for each in values]
        return f"{self.field}{path}{self.operator}{','.join(texts)}"


@dataclass(frozen=True, slots=True)
class Text:
    """What the ID, the type, the payload or the error contains."""

    text: str

    @override
    def __str__(self) -> str:
        is_plain = PLAIN_TEXT.fullmatch(self.text) and self.text.lower() not in KEYWORDS
        return self.text if is_plain else written(self.text, is_quoted=True)


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    part: "Filter"

    @override
    def __str__(self) -> str:
        return f"!{_grouped(self.part)}"


@dataclass(frozen=True, slots=True)
class AllOf:
    """Everything of several; of none: every task. Made by `all_of`."""

    parts: "tuple[Filter, ...]"

    @override
    def __str__(self) -> str:
        return " ".join(map(_grouped, self.parts))


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of several. Made by `any_of`."""

    parts: "tuple[Filter, ...]"

    @override
    def __str__(self) -> str:
        return " or ".join(
            str(part) if isinstance(part, AllOf) and part.parts else _grouped(part)
            for part in self.parts
        )


Filter = Term | Text | Not | AllOf | AnyOf


def all_of(parts: Iterable[Filter]) -> Filter:
    """Return a filter that matches what all *parts* match."""
    flat: list[Filter] = []
    for part in parts:
        flat += part.parts if isinstance(part, AllOf) else (part,)
    return flat[0] if len(flat) == 1 else AllOf(tuple(flat))


def any_of(parts: Iterable[Filter]) -> Filter:
    """Return a filter that matches what at least one of *parts*, which are not empty, matches."""
    flat: list[Filter] = []
    for part in parts:
        flat += part.parts if isinstance(part, AnyOf) else (part,)
    return flat[0] if len(flat) == 1 else AnyOf(tuple(flat))


def _grouped(part: Filter) -> str:
    return f"({part})" if isinstance(part, AllOf | AnyOf) else str(part)


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if PLAIN_KEY.fullmatch(step) else f".{written(step, is_quoted=True)}"
