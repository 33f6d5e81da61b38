"""Values at the last steps of time, in a fixed number of bytes."""

import math
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

UNKNOWN = math.nan
BYTES = array("f").itemsize


@dataclass(frozen=True, slots=True)
class Resolution:
    """How much time a ring remembers.

    Attributes:
        step_s: seconds between two values.
        size: how many values of each column there are.
    """

    step_s: int
    size: int

    @property
    def span_s(self) -> int:
        """How many seconds are remembered."""
        return self.step_s * self.size

    def slot_at(self, time_s: int) -> int:
        """Return the number of the step in which a second is."""
        return time_s // self.step_s


class Ring:
    """The values of some columns at the last steps; older ones are overwritten.

    Args:
        resolution: how much time it remembers.
        columns: how many values there are for each step.
    """

    def __init__(self, resolution: Resolution, columns: int) -> None:
        self._size = resolution.size
        self._columns = columns
        self._values = array("f", [UNKNOWN]) * (resolution.size * columns)
        self.newest: int | None = None

    @property
    def size_bytes(self) -> int:
        """How many bytes the values take."""
        return len(self._values) * BYTES

    def write(self, slot: int, values: Sequence[float]) -> None:
        """Set the values of a step, one for each column; what is older than the ring is ignored.

        The steps between it and the newest one before are unknown.
        """
        newest = slot - self._size if self.newest is None else self.newest
        if slot <= newest - self._size:
            return
        for skipped in range(max(newest + 1, slot - self._size + 1), slot):
            self._set(skipped, [UNKNOWN] * self._columns)
        self._set(slot, values)
        self.newest = max(newest, slot)

    def read(self, column: int, slots: range) -> "array[float]":
        """Return the values of a column at steps that follow each other; NaN if not known."""
        size, newest = self._size, self.newest
        first = slots.start if newest is None else max(slots.start, newest - size + 1)
        last = first if newest is None else min(slots.stop, newest + 1)
        if first >= last:
            return array("f", [UNKNOWN]) * len(slots)
        of_column = self._values[column :: self._columns]
        at = first % size
        known = (of_column[at:] + of_column[:at])[: last - first]
        before = array("f", [UNKNOWN]) * (first - slots.start)
        return before + known + array("f", [UNKNOWN]) * (slots.stop - last)

    def rows(self, slots: range) -> Iterator[Sequence[float]]:
        """Yield the values of all columns at some steps of which anything is known."""
        for slot in slots:
            if self.newest is not None and self.newest - self._size < slot <= self.newest:
                first = slot % self._size * self._columns
                yield self._values[first : first + self._columns]

    def _set(self, slot: int, values: Sequence[float]) -> None:
        first = slot % self._size * self._columns
        self._values[first : first + self._columns] = array("f", values)
