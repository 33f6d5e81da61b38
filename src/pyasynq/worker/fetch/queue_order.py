"""From which queue how many tasks are fetched: pure decisions.

Weighted: as if each free slot drew a queue by itself, as Go Asynq does for each of its fetches, so
a queue of priority 6 gets six tasks for each one of a queue of priority 1 while both have some.
Where there are many queues, several slots share a draw: the shares are the same in the long run,
and a fetch asks a few queues for several tasks each, not every queue for one.
Strict: the queues in order of priority, each asked only for what those before it left.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from random import Random
from typing import Protocol

MOST_ASKED = 8
"""How many queues a fetch asks at most, unless some of them turn out to be empty."""

Plan = list[tuple[str, int]]
"""Queues to ask in one round trip, and for how many tasks each."""


class Strategy(Protocol):
    """Plans one round trip of a fetch."""

    def plan(self, wanted: int, empty: Collection[str]) -> Plan:
        """Share *wanted* tasks among the queues that are not in *empty*.

        Returns:
            Queues and counts; no entries when every queue is empty.
        """


class Strict:
    """Highest priority first; queues of equal priority in the order of their names."""

    def __init__(self, queues: Mapping[str, int]) -> None:
        self._order: Sequence[str] = sorted(queues, key=lambda name: (-queues[name], name))

    def plan(self, wanted: int, empty: Collection[str]) -> Plan:
        """Ask the first queue that is not known to be empty for everything."""
        return next(([(name, wanted)] for name in self._order if name not in empty), [])


class Weighted:
    """Draws with the priorities as weights: one for each task, or one for several of them."""

    def __init__(self, queues: Mapping[str, int], random: Random) -> None:
        self._queues = dict(queues)
        self._random = random

    def plan(self, wanted: int, empty: Collection[str]) -> Plan:
        """Draw queues for *wanted* tasks, among those not known to be empty."""
        names = [name for name in self._queues if name not in empty]
        if len(names) <= 1:
            return [(name, wanted) for name in names]
        weights = [self._queues[name] for name in names]
        if len(names) <= MOST_ASKED or wanted <= MOST_ASKED:
            return list(Counter(self._random.choices(names, weights, k=wanted)).items())
        share, left = divmod(wanted, MOST_ASKED)
        counts: Counter[str] = Counter()
        for number, name in enumerate(self._random.choices(names, weights, k=MOST_ASKED)):
            counts[name] += share + (number < left)
        return list(counts.items())


def strategy(queues: Mapping[str, int], *, is_strict: bool, random: Random) -> Strategy:
    """Return the strategy of a server."""
    return Strict(queues) if is_strict else Weighted(queues, random)
