"""The files of `deploy/`, and what their expressions may name."""

import functools
import json
from pathlib import Path
from typing import Any

import yaml

from pyasynq.events.event import TASK_EVENTS
from pyasynq.measurements.queue_metrics import QUEUE_METRICS
from pyasynq.measurements.scheduler_metrics import SCHEDULER_METRICS
from pyasynq.measurements.worker_metrics import WORKER_METRICS
from tests.support.promql import Expression, read

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
GUIDES = ROOT / "docs" / "guides"

METRICS = (*QUEUE_METRICS, *WORKER_METRICS, *SCHEDULER_METRICS)
STATES = {"active", "pending", "aggregating", "scheduled", "retry", "archived", "completed"}
# What Prometheus, and whatever finds its targets, says of every series.
TARGET = {"namespace", "job", "instance"}
# What programs show of their process; what Prometheus makes of targets and alerts.
OTHERS = {
    "process_cpu_seconds_total": set[str](),
    "process_resident_memory_bytes": set[str](),
    "process_open_fds": set[str](),
    "process_start_time_seconds": set[str](),
    "up": set[str](),
    "ALERTS": {"alertname", "alertstate", "severity"},
}
OUTCOMES = {*TASK_EVENTS} - {"started", "failed", "recovered"}
VALUES = {
    ("asynq_tasks_enqueued_total", "state"): STATES,
    ("pyasynq_worker_slots", "state"): {"used", "free"},
    ("pyasynq_tasks_finished_total", "outcome"): OUTCOMES,
    ("pyasynq_tasks_recovered_total", "kind"): {"retried", "archived"},
    ("pyasynq_scheduler_ticks_total", "outcome"): {
        "enqueued",
        "unfinished",
        "paused",
        "duplicate",
        "failed",
    },
}


def documents(path: Path) -> list[dict[str, Any]]:
    """Return the documents of a file in YAML."""
    return [each for each in yaml.safe_load_all(path.read_text()) if each]


RULES = [
    rule
    for group in documents(DEPLOY / "prometheus" / "rules.yaml")[0]["groups"]
    for rule in group["rules"]
]
ALERTS = [rule for rule in RULES if "alert" in rule]
RECORDS = {rule["record"]: read(rule["expr"]) for rule in RULES if "record" in rule}
DASHBOARD = json.loads((DEPLOY / "grafana" / "pyasynq.json").read_text())


@functools.cache
def series() -> dict[str, set[str]]:
    """Return the labels of every series that may be named, by its name."""
    found = {name: labels | TARGET for name, labels in OTHERS.items()}
    for metric in METRICS:
        labels = {*metric.labels, *TARGET}
        if metric.kind == "histogram":
            found[f"{metric.name}_bucket"] = labels | {"le"}
            found[f"{metric.name}_sum"] = found[f"{metric.name}_count"] = labels
        else:
            found[metric.name] = labels
    for name, record in RECORDS.items():
        found[name] = labels_of(record, found)
    return found


def labels_of(expression: Expression, known: dict[str, set[str]]) -> set[str]:
    """Return the labels of what an expression makes."""
    if expression.kept is not None:
        return set(expression.kept)
    return known[expression.selectors[0].metric] if expression.selectors else set()


def faults(text: str) -> list[str]:
    """Return what is wrong about an expression."""
    known, expression = series(), read(text)
    found = [each.metric for each in expression.selectors if each.metric not in known]
    if found:
        return [f"nothing is called {name}" for name in found]
    for each in expression.selectors:
        for label, value in each.matchers:
            if label not in known[each.metric]:
                found.append(f"{each.metric} has no label {label}")
            words = VALUES.get((each.metric, label))
            if words and not value.startswith("$") and not set(value.split("|")) <= words:
                found.append(f"{label} of {each.metric} is never {value}")
    for grouping in expression.groupings:
        for name in grouping.metrics:
            absent = set(grouping.labels) - known[name]
            found += [f"{name} has no label {label}" for label in absent]
    named = {label for each in expression.selectors for label in known[each.metric]}
    return found + [f"nothing has a label {label}" for label in expression.joined - named]
