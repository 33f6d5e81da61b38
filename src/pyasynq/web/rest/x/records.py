"""What is shown of tasks, failures and findings: the same fields as in the JSON of commands."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from pyasynq.admin.findings import Found
from pyasynq.admin.metrics.report import MetricsReport
from pyasynq.admin.signatures import FailureGroup, FailureReport
from pyasynq.admin.task_row import task_row
from pyasynq.clock import NANOSECONDS, to_datetime
from pyasynq.inspector import Attempt, Finding
from pyasynq.task import Progress, TaskInfo


def of_task(task: TaskInfo, progress: Progress | None) -> dict[str, Any]:
    """Return all that is known of a task."""
    return {**task_row(task), "progress": None if progress is None else asdict(progress)}


def of_search(found: Found) -> dict[str, Any]:
    """Return what a search has found."""
    return {
        "tasks": [task_row(task) for task in found.tasks],
        "damaged": [asdict(task) for task in found.damaged],
        "unreadable": found.unreadable,
        "broken": found.broken,
        "scanned": found.scanned,
        "cursor": found.cursor,
    }


def of_failures(report: FailureReport) -> dict[str, Any]:
    """Return what went wrong."""
    return {
        "groups": [_of_group(each) for each in report.groups],
        "failures": report.failures,
        "scanned": report.scanned,
        "is_complete": report.is_complete,
        "broken": report.broken,
    }


def of_attempt(attempt: Attempt) -> dict[str, Any]:
    """Return an attempt to run a task, and how long it took."""
    return {**asdict(attempt), "duration": attempt.duration}


def of_finding(finding: Finding) -> dict[str, Any]:
    """Return a finding."""
    return asdict(finding)


def of_metrics(report: MetricsReport) -> dict[str, Any]:
    """Return metrics over time; a value that is not known is null."""
    return {
        "source": report.source,
        "step": report.step_s,
        "times": list(report.times_s),
        "series": {
            metric: [{"queue": row.queue, "values": _rounded(row.values)} for row in rows]
            for metric, rows in report.series.items()
        },
        "began_at": None if report.began_s is None else to_datetime(report.began_s * NANOSECONDS),
        "left_out": report.left_out,
    }


def _rounded(values: Sequence[float | None]) -> list[float | None]:
    """Return values with the seven digits that are known of them."""
    return [None if each is None else float(f"{each:.7g}") for each in values]


def _of_group(group: FailureGroup) -> dict[str, Any]:
    return {
        "count": group.count,
        "type": group.type,
        "signature": group.signature,
        "fingerprint": group.fingerprint,
        "newest_at": None if group.newest_ns is None else to_datetime(group.newest_ns),
        "oldest_at": None if group.oldest_ns is None else to_datetime(group.oldest_ns),
        "newest_error": group.newest_error,
        "tasks": [{"queue": queue, "id": task_id} for queue, task_id in group.tasks],
        "queues": group.queues,
        "states": group.states,
    }
