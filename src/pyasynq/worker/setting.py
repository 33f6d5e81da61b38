"""What a setting accepts: each field of a configuration names its kind, here are the kinds.

A kind finds faults in a value and, if the environment may give it, reads it from text.
"""

import dataclasses
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Protocol

import msgspec

from pyasynq.options import MAX_INT32, duration_fault, name_fault


class Kind(Protocol):
    """What a setting accepts."""

    @property
    def read(self) -> Callable[[str], Any] | None:
        """Reads a value from text, or raises ValueError; None if text cannot express it."""

    def fault(self, name: str, value: object) -> str | None:
        """Return what is wrong with *value* for the setting *name*; None if it is good."""


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
        return int

    def fault(self, name: str, value: object) -> str | None:
        """Return what is wrong with *value*."""
        if value is None and self.is_optional:
            return None
        if is_whole(value) and value in range(self.low, self.high + 1):
            return None
        number = f"a whole number of {self.unit}" if self.unit else "a whole number"
        return f"{name} must be {number} from {self.low} to {self.high}, not {value!r}"


class Span(msgspec.Struct, frozen=True):
    """A duration of at least *at_least_s* seconds; 0, too, if that means *no limit*."""

    at_least_s: float = 0.0
    may_be_zero: bool = False

    @property
    def read(self) -> Callable[[str], Any]:
        """Reads a number of seconds."""
        return float

    def fault(self, name: str, value: object) -> str | None:
        """Return what is wrong with *value*."""
        if self.may_be_zero and value == 0:
            return None
        return duration_fault(name, value, minimum=timedelta(seconds=self.at_least_s))


class Flag(msgspec.Struct, frozen=True):
    """True or False."""

    @property
    def read(self) -> Callable[[str], Any]:
        """Reads true, 1, false and 0."""
        return _read_flag

    def fault(self, name: str, value: object) -> str | None:
        """Return what is wrong with *value*."""
        return None if isinstance(value, bool) else f"{name} must be True or False, not {value!r}"


class Function(msgspec.Struct, frozen=True):
    """Something that can be called, or None."""

    @property
    def read(self) -> None:
        """Nothing: text cannot express it."""

    def fault(self, name: str, value: object) -> str | None:
        """Return what is wrong with *value*."""
        if value is None or callable(value):
            return None
        hint = f"; write retry.fixed({value!r})" if name == "retry_delay" else ""
        return f"{name} must be callable, not {type(value).__name__}{hint}"


class Anything(msgspec.Struct, frozen=True):
    """Whatever the application likes."""

    @property
    def read(self) -> None:
        """Nothing: text cannot express it."""

    def fault(self, name: str, value: object) -> str | None:
        """Find nothing wrong."""
        del name, value
        return None


class Priorities(msgspec.Struct, frozen=True):
    """Names of queues with their priorities, whole numbers from 1."""

    @property
    def read(self) -> Callable[[str], Any]:
        """Reads ``critical=6,default=3``."""
        return read_queues

    def fault(self, name: str, value: object) -> str | None:
        """Return all that is wrong with *value*."""
        if not isinstance(value, Mapping) or not value:
            return f"{name} must map at least one name to its priority, not {value!r}"
        faults = [name_fault("queue", queue) for queue in value]
        faults += [
            f"priority of queue {queue!r} must be a whole number from 1, not {priority!r}"
            for queue, priority in value.items()
            if not is_whole(priority) or not 1 <= priority <= MAX_INT32
        ]
        return "; ".join(fault for fault in faults if fault) or None


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
        name, separator, priority = part.strip().rpartition("=")
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


def _read_flag(text: str) -> bool:
    try:
        return {"true": True, "1": True, "false": False, "0": False}[text.strip().lower()]
    except KeyError:
        raise ValueError("use true or false") from None
