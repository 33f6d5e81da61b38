"""Counts values by bucket, in this process."""

from bisect import bisect_left
from collections.abc import Sequence

from pyasynq.measurements.reading import Distribution


class Histogram:
    """The values of one histogram; one thread adds to it, any thread may read it.

    Args:
        bounds: the largest value of each bucket but the last one, as its metric has them.
    """

    __slots__ = ("_bounds", "_counts", "_total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._total = 0.0

    def add(self, value: float) -> None:
        """Count one value."""
        self._counts[bisect_left(self._bounds, value)] += 1
        self._total += value

    def distribution(self) -> Distribution:
        """Return what was counted."""
        return Distribution(self._counts.copy(), self._total)
