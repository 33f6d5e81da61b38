"""Durations by bucket, so fine that both kinds of coarser buckets follow from them exactly.

A metric has the bounds `SECONDS`, as Prometheus wants them; what is stored in Redis has four
buckets for each doubling (wire/type_counts.py). Here is a bucket between any two neighbours of both
kinds together. So each attempt is counted once, and each fine bucket belongs to one bucket of
either kind. A bound of a metric belongs to the bucket below it, a stored one to the one above.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence

from pyasynq.clock import NANOSECONDS
from pyasynq.measurements.metric import SECONDS
from pyasynq.measurements.reading import Distribution
from pyasynq.wire.type_counts import STARTS_NS, Buckets

_STORED = tuple(start / NANOSECONDS for start in STARTS_NS)
_FINE = (*sorted({*_STORED, *(math.nextafter(bound, math.inf) for bound in SECONDS)}), math.inf)
_BEGINS = (0.0, *_FINE[:-1])
_STORED_OF = tuple(str(bisect_right(_STORED, begin)) for begin in _BEGINS)
_METRIC_OF = tuple(bisect_left(SECONDS, begin) for begin in _BEGINS)
BUCKETS = len(_BEGINS)
LONGEST_S = 10 * 366 * 86_400.0  # longer is what a forged or damaged message claims


class Durations:
    """Durations of one kind; one thread adds to it, any thread may read it.

    Attributes:
        counts: how many there are in each fine bucket.
    """

    __slots__ = ("counts", "total_s")

    def __init__(self) -> None:
        self.counts: list[int] = [0] * BUCKETS
        self.total_s = 0.0

    def add(self, seconds: list[float]) -> None:
        """Count some durations, at least one; *seconds* is sorted afterwards.

        Those of a batch are much the same, so it is cheaper to look for what shares a bucket.
        """
        seconds.sort()
        if seconds[0] < 0 or seconds[-1] > LONGEST_S:
            seconds = [min(LONGEST_S, max(0.0, each)) for each in seconds]
        self.total_s += sum(seconds)
        counts, at, count = self.counts, 0, len(seconds)
        while at < count:
            bucket = bisect_right(_FINE, seconds[at])
            end = bisect_left(seconds, _FINE[bucket], at)
            counts[bucket] += end - at
            at = end

    def distribution(self) -> Distribution:
        """Return them as a metric has them."""
        counts = [0] * (len(SECONDS) + 1)
        for bucket, count in zip(_METRIC_OF, self.counts.copy(), strict=True):
            counts[bucket] += count
        return Distribution(counts, self.total_s)


def stored(counts: Iterable[int]) -> Buckets:
    """Return counts of fine buckets as they are stored."""
    found: Buckets = {}
    for bucket, count in zip(_STORED_OF, counts, strict=True):
        if count:
            found[bucket] = found.get(bucket, 0) + count
    return found


def more(now: Sequence[int], before: Sequence[int]) -> list[int]:
    """Return what was counted between two moments."""
    return [one - other for one, other in zip(now, before, strict=True)]
