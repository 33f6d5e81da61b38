"""Lines over time, and small ones for cells of tables."""

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import quoteattr

from pyasynq.admin.charts.drawing import Area, figure, grid, hint, label_at, laid_out
from pyasynq.admin.charts.scale import Scale, scale_for
from pyasynq.admin.charts.series import OTHERS, Chart

MOST_LABELS = 6
MOST_MARKS = 120  # more points than that have no marks of their own
SPARK_WIDTH, SPARK_HEIGHT = 96, 20

Point = tuple[float, float]


def line_chart(chart: Chart, *, width: int = 640) -> str:
    """Draw a line for each series; where nothing is known it has a gap.

    Args:
        width: in pixels, as long as nothing scales the drawing; at least 200.
    """
    keys, area = laid_out(chart, width)
    known = [value for each in chart.series for value in each.values if value is not None]
    scale = scale_for(max(known, default=0), is_whole=not chart.unit)
    parts = [*keys, *grid(area, scale, chart.unit), *_times(chart, area)]
    for number in range(len(chart.series)):
        parts += _line(chart, number, area, scale)
    return figure(chart, width, area, parts, kind="chart over-time")


def sparkline(values: Sequence[float | None], *, title: str, colour: str = OTHERS[0]) -> str:
    """Draw one small line without numbers; *title* must tell what it shows, numbers included."""
    area = Area(1, 2, SPARK_WIDTH - 2, SPARK_HEIGHT - 4)
    known = [value for value in values if value is not None]
    scale = scale_for(max(known, default=0), is_whole=False)
    paths = "".join(_path(run, colour) for run in _runs(_points(values, area, scale)))
    return (
        f'<svg class="sparkline" xmlns="http://www.w3.org/2000/svg" role="img"'
        f' viewBox="0 0 {SPARK_WIDTH} {SPARK_HEIGHT}" width="{SPARK_WIDTH}"'
        f' height="{SPARK_HEIGHT}" aria-label={quoteattr(title)}>{paths}</svg>'
    )


def _times(chart: Chart, area: Area) -> Iterator[str]:
    count = len(chart.labels)
    every = max(1, -(-count // MOST_LABELS))
    for at in range(0, count, every):
        x = area.left + _x_share(at, count) * area.width
        anchor = "start" if at == 0 else "end" if at == count - 1 else "middle"
        yield label_at(x, area.bottom + 15, chart.labels[at], anchor)


def _line(chart: Chart, number: int, area: Area, scale: Scale) -> Iterator[str]:
    colour = chart.colour(number)
    points = _points(chart.series[number].values, area, scale)
    for run in _runs(points):
        yield _path(run, colour)
    if len(points) > MOST_MARKS:
        return
    for at, point in enumerate(points):
        if point is not None:
            yield (
                f'<circle class="chart-mark" cx="{point[0]:.1f}" cy="{point[1]:.1f}" r="2.5"'
                f' fill="{colour}">{hint(chart, number, at)}</circle>'
            )


def _points(values: Sequence[float | None], area: Area, scale: Scale) -> list[Point | None]:
    return [
        None
        if value is None
        else (
            area.left + _x_share(at, len(values)) * area.width,
            area.y(scale.share(value)),
        )
        for at, value in enumerate(values)
    ]


def _x_share(at: int, count: int) -> float:
    return at / (count - 1) if count > 1 else 0.5


def _runs(points: Sequence[Point | None]) -> Iterator[list[Point]]:
    """Yield the points that follow each other without a gap."""
    run: list[Point] = []
    for point in [*points, None]:
        if point is not None:
            run.append(point)
        elif run:
            yield run
            run = []


def _path(run: Sequence[Point], colour: str) -> str:
    # A single point is a line to itself, which its round ends make a dot.
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in (run if len(run) > 1 else [*run, *run]))
    return (
        f'<polyline class="chart-path" points="{points}" fill="none" stroke="{colour}"'
        ' stroke-width="1.75" stroke-linejoin="round" stroke-linecap="round"/>'
    )
