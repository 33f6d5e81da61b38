"""Rounds in turn, so that what disturbs the machine disturbs every side alike."""

import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from benchmarks.measure.options import N
from benchmarks.measure.program import Figures, ProgramFailedError


@dataclass
class Series:
    """The figures of one side in every round."""

    name: str
    rounds: list[Figures] = field(default_factory=list)
    failure: str = ""

    def median(self, figure: str) -> float | None:
        """Return the median of one figure; None if it was never measured."""
        found = [each[figure] for each in self.rounds if each.get(figure) is not None]
        return median(found) if found else None

    def as_data(self) -> dict[str, Any]:
        """Return what goes into a record."""
        numbers = sorted(
            {name for each in self.rounds for name, value in each.items() if _is_number(value)}
        )
        return {
            "name": self.name,
            "median": {name: self.median(name) for name in numbers},
            "rounds": [{name: each.get(name) for name in numbers} for each in self.rounds],
            **({"failure": self.failure} if self.failure else {}),
        }


def alternate(
    sides: Sequence[N], rounds: int, measure: Callable[[N], Figures]
) -> dict[str, Series]:
    """Call *measure* with each side in turn, *rounds* times; a side that fails is left out then."""
    found = {side.name: Series(side.name) for side in sides}
    for number in range(1, rounds + 1):
        for side in sides:
            progress = f"round {number} of {rounds}: {side.name}"
            print(f"\r{progress:<50}", end="", file=sys.stderr, flush=True)
            _add(found[side.name], side, measure)
    print("\r" + " " * 50 + "\r", end="", file=sys.stderr, flush=True)
    return found


def together(sides: Sequence[N], rounds: int, measure: Callable[[N], Figures]) -> dict[str, Series]:
    """As `alternate`, but all sides at the same time: for those that do next to nothing."""
    found = {side.name: Series(side.name) for side in sides}
    with ThreadPoolExecutor(max_workers=max(1, len(sides))) as pool:
        for _ in range(rounds):
            list(pool.map(lambda side: _add(found[side.name], side, measure), sides))
    return found


def _add(series: Series, side: N, measure: Callable[[N], Figures]) -> None:
    if series.failure:
        return
    try:
        series.rounds.append(measure(side))
    except ProgramFailedError as error:
        series.failure = str(error)
        print(f"\n{error}", file=sys.stderr)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest of *values* that *share* of them (0 to 1) do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
