"""What Go Asynq fetches from weighted queues, computed exactly, and a test of what was drawn.

asynq v0.26 processor.go queues(): before each fetch the name of each queue is listed as often as
its priority says, the list is shuffled, and the first occurrences are the order in which queues
are asked. One task is fetched at a time, from the first queue in that order that has one.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping
from functools import cache
from statistics import NormalDist

NEVER = 1e-12  # outcomes less likely than this are left out

Taken = tuple[int, ...]  # of each queue, in the order of the mapping


def orders(queues: Mapping[str, int]) -> dict[tuple[str, ...], float]:
    """Return each order in which queues may be asked, with its probability."""
    shuffles = list(_arrangements(dict(queues)))
    counts = Counter(tuple(dict.fromkeys(shuffle)) for shuffle in shuffles)
    return {order: count / len(shuffles) for order, count in counts.items()}


def taken_by_go(
    queues: Mapping[str, int], backlog: Mapping[str, int], fetches: int
) -> dict[Taken, float]:
    """Return how many tasks of each queue *fetches* fetches take, with the probability of it.

    Args:
        backlog: how many tasks a queue has; as many as one likes if it is not named.
    """
    names, chances = list(queues), orders(queues)
    limits = tuple(backlog.get(name, math.inf) for name in names)

    @cache
    def step(full: tuple[bool, ...]) -> list[tuple[int, float]]:
        """Return which queue gives the next task, with the probability of it."""
        found: dict[int, float] = defaultdict(float)
        for order, chance in chances.items():
            found[next(names.index(name) for name in order if not full[names.index(name)])] += (
                chance
            )
        return list(found.items())

    states: dict[Taken, float] = {(0,) * len(names): 1.0}
    for _ in range(fetches):
        after: dict[Taken, float] = defaultdict(float)
        for taken, chance in states.items():
            if chance < NEVER:
                continue
            full = tuple(count >= limit for count, limit in zip(taken, limits, strict=True))
            for queue, share in step(full):
                reached = (*taken[:queue], taken[queue] + 1, *taken[queue + 1 :])
                after[reached] += chance * share
        states = after
    return states


def misfit(seen: Mapping[Hashable, int], expected: Mapping[Hashable, float]) -> tuple[float, int]:
    """Return χ² of what was *seen* against the *expected* probabilities, and the degrees of it.

    Neighbouring outcomes are put together until 20 are expected of each. What cannot be at all
    makes χ² infinite.
    """
    total = sum(seen.values())
    if any(count and not expected.get(outcome) for outcome, count in seen.items()):
        return math.inf, 1
    cells: list[tuple[float, int]] = []
    wanted, found = 0.0, 0
    for outcome in sorted(expected):  # type: ignore[type-var]
        wanted, found = wanted + total * expected[outcome], found + seen.get(outcome, 0)
        if wanted >= 20:
            cells.append((wanted, found))
            wanted, found = 0.0, 0
    if cells:
        cells[-1] = cells[-1][0] + wanted, cells[-1][1] + found
    return sum((found - wanted) ** 2 / wanted for wanted, found in cells), len(cells) - 1


def limit(degrees: int, chance: float) -> float:
    """Return which χ² a fair draw exceeds with probability *chance* (Wilson and Hilferty)."""
    if degrees == 0:
        return 1e-6
    spread = 2 / (9 * degrees)
    return degrees * (1 - spread + NormalDist().inv_cdf(1 - chance) * math.sqrt(spread)) ** 3


def _arrangements(left: dict[str, int]) -> Iterator[tuple[str, ...]]:
    """Yield each different order of a list that holds each name so often; all equally likely."""
    if not any(left.values()):
        yield ()
    for name, count in left.items():
        if count:
            for rest in _arrangements({**left, name: count - 1}):
                yield (name, *rest)
