"""Draws what was recorded as charts: rates as multiples of Go Asynq's, a bar for each program.

Reads `records/*.json` and writes an SVG for every question that has rates.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from benchmarks.measure.environments import ROOT
from benchmarks.measure.record import RECORDS

CHARTS = ROOT / "docs" / "benchmarks"
GO = "go asynq"
FIGURE = "tasks_per_s"
WIDTH, LABELS, BAR, GAP = 760, 110, 16, 10  # pixels; the labels stand left of the bars
VALUES = 60  # pixels right of the longest bar, for its number
COLOURS = {"pyasynq": "#2f6f4f", GO: "#3a76a8"}
OTHER = "#9a9a9a"


@dataclass(frozen=True)
class Group:
    """The bars of one case: names of programs with their multiples of Go's rate."""

    case: str
    bars: Sequence[tuple[str, float]]


def groups(record: dict[str, Any]) -> Iterator[Group]:
    """Yield the cases of a record in which Go Asynq played, and another beside it."""
    for case, sides in record["results"].items():
        rates = {side["name"]: rate for side in sides if (rate := side["median"].get(FIGURE))}
        if GO in rates and len(rates) > 1:
            yield Group(case, [(name, rate / rates[GO]) for name, rate in rates.items()])


def chart(title: str, found: Sequence[Group]) -> str:
    """Return the bars as an SVG; all have the same scale, which begins at nothing."""
    scale = (WIDTH - LABELS - VALUES) / max(value for group in found for _, value in group.bars)
    parts, y = [_text(GAP, 24, title, 'font-size="16" font-weight="bold"')], 44
    for group in found:
        parts.append(_text(GAP, y + 12, group.case, 'font-weight="bold"'))
        y += BAR + GAP // 2
        for name, value in group.bars:
            length = max(1.0, value * scale)
            parts += [
                _text(LABELS - GAP, y + 12, name, 'text-anchor="end"'),
                _bar(y, length, COLOURS.get(name, OTHER)),
                _text(LABELS + length + 5, y + 12, f"{value:.2g}"),
            ]
            y += BAR
        y += GAP
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}"'
        ' font-family="sans-serif" font-size="12" role="img">'
    )
    return "\n".join([head, '<rect width="100%" height="100%" fill="white"/>', *parts, "</svg>\n"])


def _bar(y: int, length: float, colour: str) -> str:
    size = f'width="{length:.1f}" height="{BAR - 3}"'
    return f'<rect x="{LABELS}" y="{y}" {size} fill="{colour}"/>'


def _text(x: float, y: float, text: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y}" {more}>{escape(text)}</text>'


def draw(records: Path, charts: Path) -> list[Path]:
    """Draw every record in *records* that has rates of Go Asynq; return the files written."""
    written = []
    for path in sorted(records.glob("*.json")):
        record = json.loads(path.read_text("utf-8"))
        found = list(groups(record))
        if not found:
            continue
        title = f"{record['question']}: tasks a second, Go Asynq = 1"
        charts.mkdir(parents=True, exist_ok=True)
        drawn = charts / f"{record['question']}.svg"
        drawn.write_text(chart(title, found), "utf-8")
        written.append(drawn)
    return written


def main() -> None:
    """Read the command line and draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=Path, default=RECORDS, help="folder of the records")
    parser.add_argument("--charts", type=Path, default=CHARTS, help="folder of the charts")
    given = parser.parse_args()
    written = draw(given.records, given.charts)
    for path in written:
        print(path)
    if not written:
        parser.error(f"no record in {given.records} has rates of Go Asynq; run `make bench` first")


if __name__ == "__main__":
    main()
