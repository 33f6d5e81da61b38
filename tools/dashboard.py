"""Writes the dashboard for Grafana, deploy/grafana/pyasynq.json, of the rows beside this file.

Grafana wants of each panel a place and many settings, which are alike for all panels of one kind:
here they are said once.
"""

import json
import string
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import unasync
from dashboard_panels import Panel, Query, Row
from dashboard_queue_rows import OVERVIEW, QUEUE_ROW
from dashboard_type_rows import TYPE_ROW
from dashboard_worker_rows import PROCESS_ROW, SCHEDULER_ROW, WORKER_ROW

DASHBOARD = unasync.ROOT / "deploy/grafana/pyasynq.json"
ROWS = (OVERVIEW, QUEUE_ROW, TYPE_ROW, WORKER_ROW, SCHEDULER_ROW, PROCESS_ROW)

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS = 24
HEIGHTS = {"stat": 4, "lines": 8, "stacked": 8, "states": 8, "table": 8, "heatmap": 8}
TYPES = {
    "stat": "stat",
    "lines": "timeseries",
    "stacked": "timeseries",
    "states": "state-timeline",
    "table": "table",
    "heatmap": "heatmap",
}
HIDDEN = ("Time", "__name__", "alertstate")
ANYTHING = '{__name__=~"asynq_queue_size|pyasynq_worker_ready"'

Json = dict[str, Any]


def outputs() -> dict[Path, str]:
    """Return the path and the text of the dashboard."""
    return {DASHBOARD: json.dumps(_dashboard(), indent=2) + "\n"}


def _dashboard() -> Json:
    return {
        "uid": "pyasynq",
        "title": "pyasynq",
        "description": "Queues, tasks, workers and schedulers of pyasynq and Asynq.",
        "tags": ["asynq", "pyasynq", "queues"],
        "editable": True,
        "graphTooltip": 1,
        "schemaVersion": 39,
        "version": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "annotations": {"list": []},
        "links": [],
        "templating": {"list": list(_variables())},
        "panels": list(_panels(ROWS)),
    }


def _variables() -> Iterator[Json]:
    yield {
        "name": "datasource",
        "label": "Prometheus",
        "type": "datasource",
        "query": "prometheus",
        "current": {},
        "hide": 0,
        "refresh": 1,
        "multi": False,
        "includeAll": False,
    }
    targets = 'namespace=~"$namespace"'
    yield _variable("namespace", f"{ANYTHING}}}")
    yield _variable("job", f"{ANYTHING}, {targets}}}")
    targets += ', job=~"$job"'
    yield _variable("queue", f"asynq_queue_size{{{targets}}}")
    yield _variable("type", f'pyasynq_tasks_finished_total{{{targets}, queue=~"$queue"}}')


def _variable(name: str, series: str) -> Json:
    """Return a variable whose values are those that the label of its name has in *series*."""
    return {
        "name": name,
        "label": name.capitalize(),
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": f"label_values({series}, {name})", "refId": name},
        "definition": f"label_values({series}, {name})",
        "current": {"text": ["All"], "value": ["$__all"]},
        "hide": 0,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",  # so that what lacks the label is shown, too
    }


def _panels(rows: Iterable[Row]) -> Iterator[Json]:
    """Yield the rows and their panels, each at its place."""
    number, top = 1, 0
    for row in rows:
        title: Json = {
            "id": number,
            "type": "row",
            "title": row.title,
            "collapsed": not row.is_open,
        }
        title["gridPos"] = {"h": 1, "w": COLUMNS, "x": 0, "y": top}
        placed, top = _placed(row.panels, top + 1, number + 1)
        number += 1 + len(placed)
        title["panels"] = [] if row.is_open else placed
        yield title
        yield from placed if row.is_open else ()


def _placed(panels: Iterable[Panel], top: int, number: int) -> tuple[list[Json], int]:
    """Return panels from left to right, line by line, and where the next row begins."""
    placed: list[Json] = []
    left = height = 0
    for panel in panels:
        if left + panel.width > COLUMNS:
            left, top, height = 0, top + height, 0
        height = max(height, HEIGHTS[panel.kind])
        place = {"h": HEIGHTS[panel.kind], "w": panel.width, "x": left, "y": top}
        placed.append({"id": number + len(placed), **_panel(panel), "gridPos": place})
        left += panel.width
    return placed, top + height


def _panel(panel: Panel) -> Json:
    return {
        "type": TYPES[panel.kind],
        "title": panel.title,
        "description": panel.description,
        "datasource": DATASOURCE,
        "targets": [
            _target(panel, query, letter)
            for query, letter in zip(panel.queries, string.ascii_uppercase, strict=False)
        ],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": _overrides(panel)},
        "options": _options(panel),
        "transformations": _transformations(panel),
    }


def _target(panel: Panel, query: Query, letter: str) -> Json:
    is_table, is_stat = panel.kind == "table", panel.kind == "stat"
    formats = {"table": "table", "heatmap": "heatmap"}
    return {
        "refId": letter,
        "datasource": DATASOURCE,
        "expr": query.expr,
        "legendFormat": query.legend or "__auto",
        "format": formats.get(panel.kind, "time_series"),
        "instant": is_table,
        "range": not is_table,
        "exemplar": False,
        **({"interval": "30s"} if not (is_table or is_stat) else {}),
    }


def _defaults(panel: Panel) -> Json:
    found: Json = {
        "unit": panel.unit,
        "min": 0,
        "noValue": panel.empty,
        "color": {"mode": "palette-classic"},
    }
    if panel.kind == "stat":
        found["color"] = {"mode": "thresholds"}
    if panel.kind in ("lines", "stacked"):
        found["custom"] = _drawing(is_stacked=panel.kind == "stacked")
    if panel.kind == "states":
        found["custom"] = {"fillOpacity": 70, "lineWidth": 0}
    if panel.words is not None:
        found["color"] = {"mode": "thresholds"}
        found["mappings"] = [_mapping(panel.words)]
    found["thresholds"] = {"mode": "absolute", "steps": _steps(panel)}
    return found


def _drawing(*, is_stacked: bool) -> Json:
    return {
        "drawStyle": "line",
        "lineWidth": 1,
        "fillOpacity": 30 if is_stacked else 8,
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"mode": "normal" if is_stacked else "none", "group": "A"},
        "axisSoftMin": 0,
    }


def _mapping(words: tuple[tuple[str, str], tuple[str, str]]) -> Json:
    (bad, bad_word), (good, good_word) = words
    options = {
        bad: {"text": bad_word, "color": "red", "index": 0},
        good: {"text": good_word, "color": "green", "index": 1},
    }
    return {"type": "value", "options": options}


def _steps(panel: Panel) -> list[Json]:
    steps: list[Json] = [{"color": "green" if panel.warns_at else "text", "value": None}]
    if panel.warns_at:
        steps += [
            {"color": color, "value": value}
            for color, value in zip(("orange", "red"), panel.warns_at, strict=True)
        ]
    return steps


def _overrides(panel: Panel) -> list[Json]:
    """Return what is shown otherwise in single columns of a table."""
    return [
        {
            "matcher": {"id": "byName", "options": name},
            "properties": [{"id": "unit", "value": unit}],
        }
        for name, unit in panel.units
    ]


def _options(panel: Panel) -> Json:
    match panel.kind:
        case "stat":
            reduced = {"calcs": ["lastNotNull"], "fields": "", "values": False}
            return {
                "reduceOptions": reduced,
                "colorMode": "value",
                "graphMode": "none" if panel.words else "area",
                "textMode": "value",
                "justifyMode": "center",
            }
        case "states":
            return {
                "mergeValues": True,
                "showValue": "never",
                "rowHeight": 0.8,
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            }
        case "table":
            return {"showHeader": True, "cellHeight": "sm", "footer": {"show": False}}
        case "heatmap":
            return {
                "calculate": False,
                "cellGap": 1,
                "color": {"mode": "scheme", "scheme": "Oranges", "steps": 64},
                "yAxis": {"unit": panel.unit},
                "tooltip": {"mode": "single"},
            }
        case _:
            return {
                "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
                "tooltip": {"mode": "multi", "sort": "desc"},
            }


def _transformations(panel: Panel) -> list[Json]:
    """Return how the answers to the queries of a table become one table."""
    if panel.kind != "table":
        return []
    names = {
        f"Value #{letter}": query.legend
        for query, letter in zip(panel.queries, string.ascii_uppercase, strict=False)
        if query.legend
    }
    hidden = [*HIDDEN, *([] if names else ["Value"])]
    organized = {"excludeByName": dict.fromkeys(hidden, True), "renameByName": names}
    return [{"id": "merge", "options": {}}, {"id": "organize", "options": organized}]
