"""Charts on pages: each is drawn for wide windows and for narrow ones, so that it can be read."""

from collections.abc import Callable

from markupsafe import Markup

from pyasynq.admin.charts.bars import stacked_bars
from pyasynq.admin.charts.lines import line_chart
from pyasynq.admin.charts.series import Chart

WIDTHS = {"chart-wide": 600, "chart-narrow": 340}
"""In pixels, by the class of style sheets that shows the one or the other."""


def bars(chart: Chart) -> Markup:
    """Draw a bar for each label, in which the series stand on each other."""
    return _drawn(stacked_bars, chart)


def lines(chart: Chart) -> Markup:
    """Draw a line for each series."""
    return _drawn(line_chart, chart)


def _drawn(draw: Callable[..., str], chart: Chart) -> Markup:
    """Return both drawings; charts escape what they show."""
    both = [
        f'<div class="{name}">{draw(chart, width=width)}</div>' for name, width in WIDTHS.items()
    ]
    return Markup("".join(both))  # noqa: S704 - see above
