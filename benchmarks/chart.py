"""Draws what was recorded as charts: rates as multiples of Go Asynq's, a bar for each program.

Reads `records/*.json` and writes an SVG for every question that compares rates with Go Asynq's.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from benchmarks.enqueue import APP
from benchmarks.measure.environments import ROOT
from benchmarks.measure.question import GO
from benchmarks.measure.record import RECORDS, as_text
from benchmarks.measure.sides import PYASYNQ

CHARTS = ROOT / "docs" / "explain" / "performance"
FIGURE = "tasks_per_s"
TITLES = {"drain": "Running no-op tasks", "enqueue": "Enqueueing"}
# Pixels: the names of the programs stand left of the bars, the numbers right of the longest one.
WIDTH, MARGIN, LABELS, NUMBERS = 800, 28, 120, 150
TOP, BAR, GAP, HEADING, BOTTOM = 96, 18, 5, 30, 26
COLOURS = {PYASYNQ.name: "#1f7a54", APP.name: "#7fb89f", GO: "#3f7fbf"}
OTHER, INK, FAINT, LINE = "#b8bec7", "#1d2430", "#667080", "#e3e6ea"


@dataclass(frozen=True)
class Bar:
    """A program, its rate in tasks a second, and how many times that of Go this is."""

    name: str
    rate: float
    multiple: float


@dataclass(frozen=True)
class Group:
    """The bars of one case."""

    case: str
    bars: Sequence[Bar]


def groups(record: dict[str, Any]) -> Iterator[Group]:
    """Yield the cases of a record in which Go Asynq played, and another beside it.

    Those whose tasks wait are left out: their rate has an ideal, which both can reach. pyasynq and
    Go Asynq come first, and the others by their rates.
    """
    for case, sides in record["results"].items():
        medians = {side["name"]: side["median"] for side in sides}
        rates = {name: found[FIGURE] for name, found in medians.items() if found.get(FIGURE)}
        waits = any("of_ideal" in found for found in medians.values())
        if GO in rates and len(rates) > 1 and not waits:
            bars = [Bar(name, rate, rate / rates[GO]) for name, rate in rates.items()]
            bars.sort(key=lambda bar: (bar.name != PYASYNQ.name, bar.name != GO, -bar.rate))
            yield Group(case, bars)


def chart(title: str, note: str, found: Sequence[Group]) -> str:
    """Return the bars as an SVG; all have the same scale, which begins at nothing."""
    left = MARGIN + LABELS
    longest = max(bar.multiple for group in found for bar in group.bars)
    scale = (WIDTH - left - NUMBERS) / longest
    heights = [HEADING + len(group.bars) * (BAR + GAP) for group in found]
    bottom = TOP + sum(heights) + BOTTOM * (len(found) - 1)
    parts = [
        _text(MARGIN, 42, title, f'font-size="20" font-weight="600" fill="{INK}"'),
        _text(MARGIN, 64, note, f'fill="{FAINT}"'),
        *_lines(left, scale, longest, bottom),
    ]
    y = TOP
    for group, height in zip(found, heights, strict=True):
        parts += _drawn(group, y, left, scale)
        y += height + BOTTOM
    size = f'viewBox="0 0 {WIDTH} {bottom + MARGIN}" width="{WIDTH}" height="{bottom + MARGIN}"'
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-size="13"'
        ' font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif">'
    )
    card = f'<rect width="100%" height="100%" rx="10" fill="#fff" stroke="{LINE}"/>'
    return "\n".join([head, f"<title>{escape(title)}</title>", card, *parts, "</svg>\n"])


def _lines(left: int, scale: float, longest: float, bottom: int) -> Iterator[str]:
    """Draw a line at every whole multiple, the one of Go Asynq stronger than the others."""
    step = max(1, round(longest / 6))
    for multiple in sorted({1, *range(0, int(longest) + 1, step)}):
        x = left + multiple * scale
        look = (
            f'stroke="{COLOURS[GO]}" stroke-dasharray="3 3"'
            if multiple == 1
            else f'stroke="{LINE}"'
        )
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 8}" y2="{bottom}" {look}/>'
        text = f'font-size="11" text-anchor="middle" fill="{FAINT}"'
        yield _text(x, TOP - 13, f"{multiple} ×", text)


def _drawn(group: Group, y: int, left: int, scale: float) -> Iterator[str]:
    yield _text(MARGIN, y + 17, group.case, f'font-weight="600" fill="{INK}"')
    y += HEADING
    for bar in group.bars:
        length = max(1.5, bar.multiple * scale)
        weight = 'font-weight="600" ' if bar.name == PYASYNQ.name else ""
        size = f'x="{left}" y="{y}" width="{length:.1f}" height="{BAR}" rx="2"'
        label = f"{bar.multiple:.2g} ×  ·  {as_text(bar.rate)}/s"
        yield _text(left - 10, y + 13, bar.name, f'{weight}text-anchor="end" fill="{INK}"')
        yield f'<rect {size} fill="{COLOURS.get(bar.name, OTHER)}"/>'
        yield _text(left + length + 7, y + 13, label, f'{weight}font-size="12" fill="{INK}"')
        y += BAR + GAP


def _text(x: float, y: float, text: str, more: str) -> str:
    # The white rim keeps lines from running through the letters.
    rim = 'stroke="#fff" stroke-width="4" paint-order="stroke"'
    return f'<text x="{x:.1f}" y="{y}" {rim} {more}>{escape(text)}</text>'


def drawn(records: Path) -> dict[str, str]:
    """Return the charts of all records in a folder that compare rates with Go's, by file name."""
    charts = {}
    for path in sorted(records.glob("*.json")):
        record = json.loads(path.read_text("utf-8"))
        question = record["question"]
        if question in TITLES and (found := list(groups(record))):
            day, machine = record["measured_at"][:10], record["machine"]
            note = (
                f"tasks a second, as multiples of Go Asynq's · {record['mode']} run of {day},"
                f" {machine['cores']} cores, {machine['processor']}"
            )
            charts[f"{question}.svg"] = chart(TITLES[question], note, found)
    return charts


def main() -> None:
    """Read the command line and draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=Path, default=RECORDS, help="folder of the records")
    parser.add_argument("--charts", type=Path, default=CHARTS, help="folder of the charts")
    given = parser.parse_args()
    charts = drawn(given.records)
    if not charts:
        parser.error(f"no record in {given.records} has rates of Go Asynq; run `make bench` first")
    given.charts.mkdir(parents=True, exist_ok=True)
    for name, text in charts.items():
        (given.charts / name).write_text(text, "utf-8")
        print(given.charts / name)


if __name__ == "__main__":
    main()
