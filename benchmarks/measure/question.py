"""What every script does with its question: measure group by group, show a table, keep a record.

The table is made from what is recorded, so that the page of all figures can show the same one.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic

from benchmarks.measure.bytecode import compile_package
from benchmarks.measure.options import N, Options
from benchmarks.measure.peers import Installed
from benchmarks.measure.program import Figures
from benchmarks.measure.record import save, table
from benchmarks.measure.redis_server import server_version
from benchmarks.measure.rounds import alternate, together

GO = "go asynq"
FIRST = "first"

Results = dict[str, list[dict[str, Any]]]
"""By group, the series of each side as `Series.as_data` gives them."""


@dataclass(frozen=True)
class Column:
    """One figure of a table.

    Attributes:
        head: as shown.
        figure: its name in the record.
        of: the sides of the same group that it is a multiple of, names or "first", of which the
            first that is there counts; empty if it is shown as it is.
    """

    head: str
    figure: str
    of: tuple[str, ...] = ()

    def cell(self, side: dict[str, Any], group: Sequence[dict[str, Any]]) -> float | None:
        """Return the median of one side, as it is shown."""
        found: float | None = side["median"].get(self.figure)
        if not self.of:
            return found
        sides = {FIRST: group[0]} | {each["name"]: each for each in group}
        others = [sides[name] for name in self.of if name in sides]
        other = others[0]["median"].get(self.figure) if others else None
        return found / other if found is not None and other else None


@dataclass(frozen=True)
class Question:
    """A question, and how its answer is shown.

    Attributes:
        name: of the script and of the record.
        heads: of the first two columns, which name group and side.
        columns: the others.
    """

    name: str
    heads: tuple[str, str]
    columns: tuple[Column, ...]

    @property
    def all_heads(self) -> tuple[str, ...]:
        """The heads of all columns."""
        return (*self.heads, *(column.head for column in self.columns))

    def rows(self, results: Results) -> Iterator[tuple[object, ...]]:
        """Return one row for each side of each group."""
        for name, group in results.items():
            for side in group:
                yield (name, side["name"], *(column.cell(side, group) for column in self.columns))


@dataclass(frozen=True)
class Group(Generic[N]):
    """Sides that are compared with each other.

    Attributes:
        name: as shown.
        sides: what is measured, in turn.
        play: measures one side once.
        at_once: whether all are measured at the same time instead, because they do next to nothing.
        rounds: how often each side is measured; as asked for if None.
    """

    name: str
    sides: Sequence[N]
    play: Callable[[N], Figures]
    at_once: bool = False
    rounds: int | None = None

    def measured(self, rounds: int) -> list[dict[str, Any]]:
        """Measure all sides; return the series of each."""
        how = together if self.at_once else alternate
        found = how(self.sides, self.rounds or rounds, self.play)
        return [series.as_data() for series in found.values()]


def answer(
    question: Question,
    options: Options,
    groups: Iterable[Group[Any]],
    peers: Installed | None = None,
) -> None:
    """Measure the groups, print and record; what a lazy *groups* prepares is done between them."""
    peers = peers or Installed()
    compile_package()
    started_s = time.monotonic()
    results = {group.name: group.measured(options.rounds) for group in groups}
    print(table(question.all_heads, question.rows(results)))
    peers.report()
    path = save(
        question.name,
        results,
        options=options,
        redis_version=server_version(),
        took_s=time.monotonic() - started_s,
        peers=peers.record,
    )
    print(f"{path}, in {time.monotonic() - started_s:.0f} s")
