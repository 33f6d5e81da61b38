"""Tasks as people see them: the columns of each state, and all about one task."""

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from pyasynq.admin.payload_text import payload_text
from pyasynq.admin.spans import ago, moment, took, until
from pyasynq.cli.output import fields_on_screen, on_screen
from pyasynq.cli.terminal import columns_of
from pyasynq.inspector import TaskPage
from pyasynq.shown import span
from pyasynq.task import TaskInfo, TaskState

if TYPE_CHECKING:
    from pyasynq.inspector import Attempt

CUTTABLE = ("Payload", "Last Error", "Result", "Error", "Server")
FIRST = ("ID", "Type", "Payload")
WIDE = 120  # columns of a terminal that has room for more
Cell = Callable[[TaskInfo, datetime, bool], object]

# asynq v0.26 tools/asynq/cmd/task.go: the columns of `asynq task list`, in their order.
MORE: Mapping[TaskState, Mapping[str, Cell]] = {
    TaskState.ACTIVE: {},
    TaskState.PENDING: {},
    TaskState.SCHEDULED: {"Process In": lambda task, now, _hex: until(task.next_process_at, now)},
    TaskState.RETRY: {
        "Next Retry": lambda task, now, _hex: until(task.next_process_at, now),
        "Last Error": lambda task, _now, _hex: task.last_error,
        "Last Failed": lambda task, _now, _hex: moment(task.last_failed_at),
        "Retried": lambda task, _now, _hex: task.retried,
        "Max Retry": lambda task, _now, _hex: task.max_retry,
    },
    TaskState.ARCHIVED: {
        "Last Failed": lambda task, _now, _hex: moment(task.last_failed_at),
        "Last Error": lambda task, _now, _hex: task.last_error,
    },
    TaskState.COMPLETED: {
        "CompletedAt": lambda task, _now, _hex: moment(task.completed_at),
        "Result": lambda task, _now, as_hex: payload_text(task.result or b"", as_hex=as_hex),
    },
    TaskState.AGGREGATING: {"Group": lambda task, _now, _hex: task.group},
}


def task_table(
    tasks: Sequence[TaskInfo], state: TaskState, now: datetime, *, as_hex: bool = False
) -> str:
    """Return tasks that are all in one state as a table; empty if there are none."""
    if not tasks:
        return ""
    more = MORE[state]
    rows = [
        [
            task.id,
            task.type,
            payload_text(task.payload, as_hex=as_hex),
            *(of(task, now, as_hex) for of in more.values()),
        ]
        for task in tasks
    ]
    return on_screen([*FIRST, *more], rows, cuttable=CUTTABLE)


def mixed_table(tasks: Sequence[TaskInfo], now: datetime, *, as_hex: bool = False) -> str:
    """Return tasks of any queues and states as a table; empty if there are none.

    On a narrow terminal, the ID is worth more than when it was and the payload, which are left out.
    """
    columns: dict[str, Callable[[TaskInfo], object]] = {
        "ID": lambda task: task.id,
        "Queue": lambda task: task.queue,
        "State": lambda task: task.state.value,
        "Type": lambda task: task.type,
        "Last Error": lambda task: task.last_error,
    }
    if (columns_of(sys.stdout) or WIDE) >= WIDE:
        columns["When"] = lambda task: _when(task, now)
        columns["Payload"] = lambda task: payload_text(task.payload, as_hex=as_hex)
    rows = [[of(task) for of in columns.values()] for task in tasks]
    return on_screen(list(columns), rows, cuttable=(*CUTTABLE, "Queue", "Type")) if rows else ""


def _when(task: TaskInfo, now: datetime) -> str:
    """Return when a task runs next, or else when it ended."""
    if task.state in (TaskState.SCHEDULED, TaskState.RETRY):
        return until(task.next_process_at, now)
    return ago(task.completed_at or task.last_failed_at, now)


def page_note(page: TaskPage) -> str:
    """Return which part of all tasks a page is; empty if it is all."""
    if not page.total:
        return "No tasks."
    if page.page == 1 and not page.has_more:
        return ""
    pages = -(-page.total // page.page_size)
    more = f"; --page {page.page + 1} shows more" if page.has_more else ""
    return f"Page {page.page} of {pages}, {page.total:,} tasks in all{more}"


def description(task: TaskInfo, now: datetime, *, as_hex: bool = False) -> str:
    """Return all that is known about a task, a line for each."""
    failed = f" ({ago(task.last_failed_at, now)})" if task.last_failed_at else ""
    due = f" ({until(task.next_process_at, now)})" if task.next_process_at else ""
    pairs: list[tuple[str, object]] = [
        ("Queue", task.queue),
        ("ID", task.id),
        ("Type", task.type),
        ("State", task.state.value + (" (orphaned)" if task.is_orphaned else "")),
        ("Retried", f"{task.retried}/{task.max_retry}"),
        ("Next process time", moment(task.next_process_at) + due),
    ]
    for name, value in (
        ("Last failure", f"{task.last_error}{failed}" if task.last_error or failed else ""),
        ("Group", task.group),
        ("Timeout", span(task.timeout) if task.timeout else ""),
        ("Deadline", moment(task.deadline) if task.deadline else ""),
        ("Retention", span(task.retention) if task.retention else ""),
        ("Completed", moment(task.completed_at) if task.completed_at else ""),
        ("Headers", "\n".join(f"{key}={text}" for key, text in task.headers.items())),
        ("Payload", payload_text(task.payload, as_hex=as_hex)),
        ("Result", payload_text(task.result or b"", as_hex=as_hex)),
    ):
        if value:
            pairs.append((name, value))
    return fields_on_screen(pairs)


def attempts_page(attempts: "Sequence[Attempt]") -> str:
    """Return the attempts of a task as a table, with the latest traceback; empty without any."""
    if not attempts:
        return ""
    rows = [
        [
            each.number,
            moment(each.started_at),
            took(each.duration),
            each.outcome,
            each.then or "-",
            f"{each.host}:{each.pid}" if each.host else "-",
            each.error,
        ]
        for each in attempts
    ]
    headings = ["Attempt", "Started", "Took", "Outcome", "Task", "Server", "Error"]
    text = on_screen(headings, rows, cuttable=CUTTABLE)
    traceback = next((each.traceback for each in attempts if each.traceback), "")
    return f"{text}\n\n{fields_on_screen([('Traceback', traceback)])}" if traceback else text
