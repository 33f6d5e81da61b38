"""What a setting accepts: each field of a configuration names its kind, here are the kinds.

A kind finds faults in a value and, if the environment may give it, reads it from text.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, Protocol

import msgspec

from pyasynq.options import MAX_INT32, duration_fault, name_fault


class Kind(Protocol):
    """What a setting accepts."""

    @property
    def read(self) -> Callable[[str], Any] | None:
        """Reads a value from text, or raises ValueError; None if text cannot express it."""

    def faults(self, name: str, value: object) -> Iterator[str]:
        """Yield what is wrong with *value* for the setting *name*."""


def setting(default: Any, kind: Kind) -> Any:
    """Declare a field of a dataclass with its default and its kind."""
    if isinstance(default, dict):
        return dataclasses.field(default_factory=default.copy, metadata={"kind": kind})
    return dataclasses.field(default=default, metadata={"kind": kind})


class Whole(msgspec.Struct, frozen=True):
    """A whole number from *low* to *high*; None, too, if *is_optional*.

    Attributes:
        unit: what is counted, such as "bytes"; empty if the name of the setting says it.
    """

    low: int
    high: int
    is_optional: bool = False
    unit: str = ""

    @property
    def read(self) -> Callable[[str], Any]:
        """Reads digits."""
        return partial(_read_number, int, "a whole number")

    def faults(self, name: str, value: object) -> Iterator[str]:
        """Yield what is wrong with *value*."""
        if value is None and self.is_optional:
            return
        if not isinstance(value, int) or not is_whole(value) or not self.low <= value <= self.high:
            number = f"a whole number of {self.unit}" if self.unit else "a whole number"
            yield f"{name} must be {number} from {self.low} to {self.high}, not {value!r}"


class Span(msgspec.Struct, frozen=True):
    """A duration of at least *at_least_s* seconds; 0, too, if that means *no limit*."""

    at_least_s: float = 0.0
    may_be_zero: bool = False

    @property
    def read(self) -> Callable[[str], Any]:
        """Reads a number of seconds."""
        return partial(_read_number, float, "a number of seconds")

    def faults(self, name: str, value: object) -> Iterator[str]:
        """Yield what is wrong with *value*."""
        if self.may_be_zero and value == 0:
            return
        if fault := duration_fault(name, value, minimum=timedelta(seconds=self.at_least_s)):
            yield fault


class Flag(msgspec.Struct, frozen=True):
    """True or False."""

    @property
    def read(self) -> Callable[[str], Any]:
        """Reads true, 1, false and 0."""
        return _read_flag

    def faults(self, name: str, value: object) -> Iterator[str]:
        """Yield what is wrong with *value*."""
        if not isinstance(value, bool):
            yield f"{name} must be True or False, not {value!r}"


class OneOf(msgspec.Struct, frozen=True):
    """One of some words."""

    words: tuple[str, ...]

    @property
    def read(self) -> Callable[[str], Any]:
        """Reads the word itself."""
        return str

    def faults(self, name: str, value: object) -> Iterator[str]:
        """Yield what is wrong with *value*."""
        if value not in self.words:
            yield f"{name} must be one of {', '.join(map(repr, self.words))}, not {value!r}"


class Function(msgspec.Struct, frozen=True):
    """Something that can be called, or None.

    Attributes:
        fault: says what is wrong with a value that is not None; a good one is only callable if
            this is not given.
    """

    fault: Callable[[object], str | None] | None = None

    @property
    def read(self) -> None:
        """Nothing: text cannot express it."""

    def faults(self, name: str, value: object) -> Iterator[str]:
        """Yield what is wrong with *value*."""
        if value is None:
            return
        if self.fault is not None:
            fault = self.fault(value)
        else:
            kind = type(value).__name__
            fault = None if callable(value) else f"{name} must be callable, not {kind}"
        if fault:
            yield fault


class Anything(msgspec.Struct, frozen=True):
    """Whatever the application likes."""

    @property
    def read(self) -> None:
        """Nothing: text cannot express it."""

    def faults(self, name: str, value: object) -> Iterator[str]:
        """Find nothing wrong."""
        del name, value
        return iter(())


class Priorities(msgspec.Struct, frozen=True):
    """Names of queues with their priorities, whole numbers from 1."""

    @property
    def read(self) -> Callable[[str], Any]:
        """Reads ``critical=6,default=3``."""
        return read_queues

    def faults(self, name: str, value: object) -> Iterator[str]:
        """Yield what is wrong with *value*."""
        if not isinstance(value, Mapping) or not value:
            yield f"{name} must map at least one name to its priority, not {value!r}"
            return
        for queue, priority in value.items():
            if fault := name_fault("queue", queue):
                yield fault
            if not is_whole(priority) or not 1 <= priority <= MAX_INT32:
                yield f"priority of queue {queue!r} must be a whole number from 1, not {priority!r}"


def is_whole(value: object) -> bool:
    """Whether *value* is a whole number; True and False are not."""
    return isinstance(value, int) and not isinstance(value, bool)


def read_queues(text: str) -> dict[str, int]:
    """Read ``critical=6,default=3``; a name alone has priority 1.

    Raises:
        ValueError: the text is of another form.
    """
    queues: dict[str, int] = {}
    for part in text.split(","):
        if not part.strip():
            continue
        name, separator, priority = (each.strip() for each in part.strip().rpartition("="))
        if not separator:
            name, priority = part.strip(), "1"
            queue, colon, number = name.rpartition(":")
            if colon and number.isdecimal():
                raise ValueError(f"write {queue}={number}, not {name!r}")
        if name in queues:
            raise ValueError(f"queue {name!r} is named twice")
        try:
            queues[name] = int(priority)
        except ValueError:
            raise ValueError(f"priority {priority!r} is not a whole number") from None
    return queues


def _read_number(kind: type[float], wanted: str, text: str) -> float:
    try:
        return kind(text)
    except ValueError:
        raise ValueError(f"use {wanted}") from None


def _read_flag(text: str) -> bool:
    try:
        return {"true": True, "1": True, "false": False, "0": False}[text.strip().lower()]
    except KeyError:
        raise ValueError("use true or false") from None
