"""The parts that every chart has: its frame, its lines, its legend, and a table of its values."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from unicodedata import east_asian_width
from xml.sax.saxutils import escape, quoteattr

from pyasynq.admin.charts.scale import Scale, in_short, short
from pyasynq.admin.charts.series import Chart
from pyasynq.shown import shown

FAINT, LINE = "#667080", "#d9dde3"
FONT = "system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"
LETTER = 6.2  # the width of one, in pixels, at size 11
LONGEST_LABEL = 14  # letters
LEFT, RIGHT, TOP, HEIGHT, LABELS = 52, 8, 12, 150, 22


@dataclass(frozen=True, slots=True)
class Area:
    """Where values are drawn, in pixels from the upper left corner of the chart."""

    left: float
    top: float
    width: float
    height: float

    @property
    def bottom(self) -> float:
        """Where 0 is."""
        return self.top + self.height

    def y(self, share: float) -> float:
        """Return how far down a share of the height is; 1 is the top."""
        return self.bottom - share * self.height


def laid_out(chart: Chart, width: int) -> tuple[list[str], Area]:
    """Return the legend, and the area that is left for the values below it."""
    keys, height = legend(chart, LEFT, TOP, width - LEFT - RIGHT)
    return keys, Area(LEFT, TOP + height, width - LEFT - RIGHT, HEIGHT)


def figure(
    chart: Chart, width: int, area: Area, parts: Iterable[str], *, kind: str = "chart"
) -> str:
    """Return the whole: the drawing, and its values as a table for those who do not see it.

    Args:
        kind: the classes by which a style sheet finds it.
    """
    height = int(area.bottom) + LABELS
    role = "group" if chart.links else "img"  # what is in an image cannot be reached by keyboard
    drawing = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="{role}"'
        f' font-family={quoteattr(FONT)} font-size="11">'
        f"<title>{text(chart.title)}</title>{''.join(parts)}</svg>"
    )
    return f'<figure class="{kind}">{drawing}{table(chart)}</figure>'


def table(chart: Chart) -> str:
    """Return the values as a table of HTML, which the page hides from those who see the chart."""
    head = "".join(f'<th scope="col">{text(each.name)}</th>' for each in chart.series)
    rows = "".join(
        f'<tr><th scope="row">{text(label)}</th>'
        + "".join(f"<td>{written(chart, each.values[at])}</td>" for each in chart.series)
        + "</tr>"
        for at, label in enumerate(chart.labels)
    )
    return (
        f'<table class="chart-values"><caption>{text(chart.title)}</caption>'
        f'<thead><tr><th scope="col"></th>{head}</tr></thead><tbody>{rows}</tbody></table>'
    )


def grid(area: Area, scale: Scale, unit: str) -> Iterator[str]:
    """Draw the lines and what they stand for."""
    for tick in scale.ticks:
        y = area.y(scale.share(tick))
        yield (
            f'<line class="chart-line" x1="{area.left:g}" x2="{area.left + area.width:g}"'
            f' y1="{y:.1f}" y2="{y:.1f}" stroke="{LINE}"/>'
        )
        label = in_short(tick, unit) if unit and tick else short(tick)
        yield label_at(area.left - 6, y + 4, label, "end")


def legend(chart: Chart, x: float, y: float, width: float) -> tuple[list[str], float]:
    """Return the names of the series with their colours, and how high they are together."""
    parts: list[str] = []
    at, down = x, y
    for number, each in enumerate(chart.series):
        name = shown(each.name, 2 * LONGEST_LABEL)
        needed = 24 + breadth(name)
        if at + needed > x + width and at > x:
            at, down = x, down + 16
        parts.append(
            f'<rect class="chart-key" x="{at:.1f}" y="{down - 8:.1f}" width="9" height="9" rx="2"'
            f' fill="{chart.colour(number)}"/>'
        )
        parts.append(label_at(at + 13, down, name))
        at += needed
    return parts, down - y + 16


def breadth(words: str) -> float:
    """Return about how wide words are, in pixels; letters of Chinese and the like count twice."""
    return LETTER * sum(2 if east_asian_width(each) in "WF" else 1 for each in words)


def label_at(x: float, y: float, words: str, anchor: str = "start") -> str:
    """Draw a few words."""
    place = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return (
        f'<text class="chart-label" x="{x:.1f}" y="{y:.1f}" fill="{FAINT}"{place}>'
        f"{text(words)}</text>"
    )


def hint(chart: Chart, number: int, at: int) -> str:
    """Return what the browser shows beside a mark when the pointer is on it."""
    each = chart.series[number]
    value = written(chart, each.values[at])
    return f"<title>{text(chart.labels[at])}: {text(each.name)} {value}</title>"


def written(chart: Chart, value: float | None) -> str:
    """Return a value in full, with its unit."""
    if value is None:
        return text(chart.unknown)
    number = f"{value:,.0f}" if value == int(value) else f"{value:,.4g}"
    return text(f"{number} {chart.unit}".rstrip())


def text(words: str) -> str:
    """Return words of whomever as text of SVG and HTML, which show them as they are."""
    return escape(shown(words, 200))
