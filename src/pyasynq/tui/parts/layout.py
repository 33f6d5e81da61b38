"""How wide the columns of a table are: pure arithmetic.

Columns get the width of their widest cell. If that is too much for the terminal, those that may be
left out go first, then flexible ones are made narrower. What is left over goes to the last
flexible one, so that a table fills its line.
"""

from collections.abc import Sequence
from dataclasses import dataclass

GAP = 2  # columns of the terminal between two columns of the table


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table.

    Attributes:
        heading: what stands above it.
        right: whether its cells are aligned to the right, as numbers are.
        least: how narrow a flexible column becomes at most.
        flexible: whether its cells may be cut.
        first: whether it is made narrower before other flexible ones.
        rank: whether it is left out where there is too little width: the highest first; 0 never.
    """

    heading: str
    right: bool = False
    least: int = 8
    flexible: bool = False
    first: bool = False
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Placed:
    """A column that is shown: its number, and how wide it is."""

    at: int
    width: int


def placed(columns: Sequence[Column], natural: Sequence[int], available: int) -> tuple[Placed, ...]:
    """Return which columns are shown, and how wide.

    Args:
        columns: all columns.
        natural: the width of the widest cell of each, or of its heading.
        available: width of the table.
    """
    kept = list(range(len(columns)))
    while _total([_least(columns[at], natural[at]) for at in kept]) > available:
        ranked = [at for at in kept if columns[at].rank]
        if not ranked:
            break
        kept.remove(max(ranked, key=lambda at: columns[at].rank))
    widths = {at: natural[at] for at in kept}
    flexible = [at for at in kept if columns[at].flexible]
    over = _total(list(widths.values())) - available
    while over > 0 and (wide := [at for at in flexible if widths[at] > columns[at].least]):
        widest = max(wide, key=lambda at: (columns[at].first, widths[at]))
        widths[widest] -= 1
        over -= 1
    if over < 0 and flexible:
        widths[flexible[-1]] -= over
    return tuple(Placed(at, widths[at]) for at in kept)


def _least(column: Column, natural: int) -> int:
    return min(natural, column.least) if column.flexible else natural


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * len(widths)
