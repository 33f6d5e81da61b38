"""What a goal is, and how it is judged by what was recorded."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.measure.peers import PEERS
from benchmarks.measure.question import FIRST, GO, Results
from benchmarks.measure.record import as_text
from benchmarks.measure.sides import PYASYNQ

Records = Mapping[str, Results]
HEADS = (
    "metric",
    "pyasynq",
    "Go Asynq",
    "best Python peer",
    "ArdiQ",
    "Redis ceiling",
    "goal",
    "reached",
)
CEILING = "ceiling"
PEER, ARDIQ = "best peer", "ardiq"
SHOWN = {GO: "Go", PEER: "peer", ARDIQ: "ArdiQ", FIRST: "the first"}
RATE = "tasks_per_s"
MORE_IS_BETTER = (RATE, "of_ideal")
HUNDRED = 100


@dataclass(frozen=True, kw_only=True)
class Bound:
    """A limit of one figure.

    Attributes:
        least: the figure must not be less.
        most: the figure must not be more.
        times: whose figure the limit is a multiple of: "go asynq", "ardiq", "best peer", or
            "first", the first figure of the same goal; it is a figure by itself if empty.
    """

    least: float | None = None
    most: float | None = None
    times: str = ""

    @property
    def text(self) -> str:
        """As shown."""
        limits = [f"≥ {self.least:g}"] if self.least is not None else []
        limits += [f"≤ {self.most:g}"] if self.most is not None else []
        return ", ".join(limits) + (f" × {SHOWN[self.times]}" if self.times else "")

    def is_met(self, value: float | None, of: float | None) -> bool | None:
        """Return whether *value* is within the limit, as a multiple of *of*; None if unknown."""
        if value is None or not of:
            return None
        found = value / of
        return (self.least is None or found >= self.least) and (
            self.most is None or found <= self.most
        )


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One figure of pyasynq, and those of the others that stand beside it.

    Attributes:
        question, group: where they are recorded.
        name: in the record.
        side: that of pyasynq.
        of: the side that each is divided by, if any.
        go_group: where Go's side of the same name is, if not in the group as "go asynq".
        bounds: the limits of pyasynq's.
    """

    question: str
    group: str
    name: str = RATE
    side: str = PYASYNQ.name
    of: str = ""
    go_group: str = ""
    bounds: tuple[Bound, ...] = ()

    def ours(self, records: Records) -> float | None:
        """Return that of pyasynq."""
        return self._value(records, self.group, self.side)

    def go(self, records: Records) -> float | None:
        """Return that of Go Asynq."""
        if self.go_group:
            return self._value(records, self.go_group, self.side)
        return self._value(records, self.group, GO)

    def peer(self, records: Records, name: str) -> float | None:
        """Return that of another Python queue."""
        return self._value(records, self.group, name)

    def best_peer(self, records: Records) -> tuple[str, float | None]:
        """Return the name of the Python queue that is best, and its figure."""
        values = {name: self.peer(records, name) for name in PEERS}
        found = {name: value for name, value in values.items() if value is not None}
        if not found:
            return "", None
        best = max if self.name in MORE_IS_BETTER else min
        name = best(found, key=lambda each: found[each])
        return name, found[name]

    def shown(self, records: Records) -> str:
        """Return pyasynq's as text; if it is a rate, as a multiple of the others', too."""
        ours, (name, peer) = self.ours(records), self.best_peer(records)
        others = [("Go", self.go(records)), (name, peer)]
        multiples = [
            f"{ours / value:.2g} × {other}"
            for other, value in others
            if ours and value and ours / value < HUNDRED
        ]
        is_rate = self.name == RATE and not self.of
        return as_text(ours) + (f" ({', '.join(multiples)})" if is_rate and multiples else "")

    def _value(self, records: Records, group: str, side: str) -> float | None:
        sides = medians(records, self.question, group)
        found: float | None = sides.get(side, {}).get(self.name)
        if not self.of:
            return found
        divisor = sides.get(self.of, {}).get(self.name)
        return found / divisor if found is not None and divisor else None


@dataclass(frozen=True, kw_only=True)
class Goal:
    """One row of the table.

    Attributes:
        metric: what is measured, with its unit.
        figures: one or more, shown with slashes between them.
        ceiling: group and side of the record of the ceiling that has the rate of Redis alone.
    """

    metric: str
    figures: tuple[Figure, ...]
    ceiling: tuple[str, str] | None = None

    def row(self, records: Records) -> tuple[str, ...]:
        """Return the cells of the table."""
        return (
            self.metric,
            _joined(figure.shown(records) for figure in self.figures),
            _joined(as_text(figure.go(records)) for figure in self.figures),
            _joined(self._best_peers(records)),
            _joined(as_text(figure.peer(records, ARDIQ)) for figure in self.figures),
            self._ceiling(records),
            "; ".join(", ".join(each.text for each in figure.bounds) for figure in self._bound()),
            self._verdict(records),
        )

    def _bound(self) -> list[Figure]:
        return [figure for figure in self.figures if figure.bounds]

    def _best_peers(self, records: Records) -> Iterator[str]:
        last = ""
        for figure in self.figures:
            name, value = figure.best_peer(records)
            yield as_text(value) if name == last else f"{name} {as_text(value)}"
            last = name

    def _ceiling(self, records: Records) -> str:
        if self.ceiling is None:
            return "-"
        group, side = self.ceiling
        return as_text(medians(records, CEILING, group).get(side, {}).get(RATE))

    def _verdict(self, records: Records) -> str:
        """Return whether every limit is kept; one whose figures are missing is not."""
        met = list(self._met(records))
        if all(each is None for each in met):
            return "not measured"
        reached = met.count(True)
        if reached in (0, len(met)):
            return "reached" if reached else "not reached"
        return f"{reached} of {len(met)}"

    def _met(self, records: Records) -> Iterator[bool | None]:
        for figure in self._bound():
            measures = {
                "": 1.0,
                GO: figure.go(records),
                PEER: figure.best_peer(records)[1],
                ARDIQ: figure.peer(records, ARDIQ),
                FIRST: self.figures[0].ours(records),
            }
            for bound in figure.bounds:
                yield bound.is_met(figure.ours(records), measures[bound.times])


def medians(records: Records, question: str, group: str) -> dict[str, Any]:
    """Return the medians of each side of a group."""
    return {side["name"]: side["median"] for side in records.get(question, {}).get(group, ())}


def _joined(texts: Iterable[str]) -> str:
    found = [text.strip() for text in texts]
    return " / ".join(found) if any(text != "-" for text in found) else "-"
