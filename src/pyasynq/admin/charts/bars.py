"""Stacked bars: how many tasks of each state are in each queue, or what happened each day."""

import math
from collections.abc import Iterator
from xml.sax.saxutils import quoteattr

from pyasynq.admin.charts.drawing import (
    LETTER,
    LONGEST_LABEL,
    Area,
    figure,
    grid,
    hint,
    label_at,
    laid_out,
)
from pyasynq.admin.charts.scale import Scale, scale_for
from pyasynq.admin.charts.series import Chart
from pyasynq.shown import shown

WIDEST, GAP = 56, 0.3  # pixels; share of the room of a bar
SHORTEST_LABEL = 7  # letters to which names are cut, rather than left out
LEAST = 1.5  # pixels of what is more than 0


def stacked_bars(chart: Chart, *, width: int = 640) -> str:
    """Draw a bar for each label, in which the series stand on each other.

    Args:
        width: in pixels, as long as nothing scales the drawing; at least 200.
    """
    keys, area = laid_out(chart, width)
    sums = [sum(each.values[at] or 0 for each in chart.series) for at in range(len(chart.labels))]
    scale = scale_for(max(sums, default=0), is_whole=not chart.unit)
    parts = [*keys, *grid(area, scale, chart.unit), *_bars(chart, area, scale)]
    return figure(chart, width, area, parts)


def _bars(chart: Chart, area: Area, scale: Scale) -> Iterator[str]:
    room = area.width / max(1, len(chart.labels))
    breadth = min(WIDEST, room * (1 - GAP))
    every, letters = _labelling(chart, room)
    for at, label in enumerate(chart.labels):
        x = area.left + room * (at + 0.5)
        place = Area(x - breadth / 2, area.top, breadth, area.height)
        bar = "".join(_bar(chart, at, place, scale))
        if at % every == 0:
            bar += label_at(x, area.bottom + 15, _shortened(label, letters), "middle")
        link = chart.links[at] if chart.links else ""
        yield f"<a href={quoteattr(shown(link, 2000))}>{bar}</a>" if link else bar


def _bar(chart: Chart, at: int, area: Area, scale: Scale) -> Iterator[str]:
    y = area.bottom
    for number, each in enumerate(chart.series):
        value = each.values[at]
        if not value:
            continue
        height = max(LEAST, scale.share(value) * area.height)
        y -= height
        yield (
            f'<rect class="chart-mark" x="{area.left:.1f}" y="{y:.1f}" width="{area.width:.1f}"'
            f' height="{max(LEAST, height - 0.5):.1f}" fill="{chart.colour(number)}">'
            f"{hint(chart, number, at)}</rect>"
        )


def _labelling(chart: Chart, room: float) -> tuple[int, int]:
    """Return of how many labels one is written, and with how many letters, so that none touch."""
    fitting = int(room / LETTER) - 1
    longest = min(LONGEST_LABEL, max(map(len, chart.labels), default=0))
    if fitting >= min(longest, SHORTEST_LABEL):
        return 1, min(fitting, LONGEST_LABEL)
    return math.ceil((longest + 1) * LETTER / room), LONGEST_LABEL


def _shortened(label: str, letters: int) -> str:
    name = shown(label, 200)
    return name if len(name) <= letters else f"{name[: letters - 1]}…"
