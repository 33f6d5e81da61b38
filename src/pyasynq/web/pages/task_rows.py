"""Tasks of one state as rows of a table: which columns they have, and what can be done to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pyasynq.inspector import DamagedTask, TaskPage
from pyasynq.task import TaskInfo, TaskState
from pyasynq.web.look import Look
from pyasynq.web.pages.contents import short_payload, short_result
from pyasynq.web.pages.task_refs import damaged_ref, ref_text
from pyasynq.web.service.records import Run

ListedVerb = Literal["run", "archive", "delete", "cancel"]
Condition = Literal["running", "stuck", "unknown", "orphaned"]
Order = Literal["first", "last"]

# asynqmon v0.7.2 ui/src/components/*TasksTable.tsx, and what it does not know: the worker of an
# active task, since when a pending one waits, and how often an archived one was retried.
COLUMNS: Mapping[TaskState, Sequence[str]] = {
    TaskState.ACTIVE: ("type", "payload", "condition", "worker", "started", "deadline"),
    TaskState.PENDING: ("type", "payload", "waits", "retried", "max_retry"),
    TaskState.AGGREGATING: ("type", "payload", "group", "joined"),
    TaskState.SCHEDULED: ("type", "payload", "due"),
    TaskState.RETRY: ("type", "payload", "due", "error", "retried", "max_retry"),
    TaskState.ARCHIVED: ("type", "payload", "failed", "error", "retried"),
    TaskState.COMPLETED: ("type", "payload", "completed", "result", "expires"),
}
NUMBERS = ("retried", "max_retry")

VERBS: Mapping[TaskState, Sequence[ListedVerb]] = {
    TaskState.ACTIVE: ("cancel",),
    TaskState.PENDING: ("archive", "delete"),
    TaskState.AGGREGATING: ("run", "archive", "delete"),
    TaskState.SCHEDULED: ("run", "archive", "delete"),
    TaskState.RETRY: ("run", "archive", "delete"),
    TaskState.ARCHIVED: ("run", "delete"),
    TaskState.COMPLETED: ("run", "delete"),
}
"""What can be done to tasks in a state; asynqmon does not run completed ones once more."""

EMPTY: Mapping[TaskState, str] = {
    TaskState.ACTIVE: "tasks_active",
    TaskState.PENDING: "tasks_pending",
    TaskState.AGGREGATING: "tasks_aggregating",
    TaskState.SCHEDULED: "tasks_scheduled",
    TaskState.RETRY: "tasks_retry",
    TaskState.ARCHIVED: "tasks_archived",
    TaskState.COMPLETED: "tasks_completed",
}
"""The keys of what is said where there are none."""

BY_DUE_TIME = (TaskState.SCHEDULED, TaskState.RETRY)
LATEST_FIRST = (TaskState.ARCHIVED, TaskState.COMPLETED)  # unless the visitor wants it otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A task in the table of its state.

    Attributes:
        task: the task.
        ref: its name in a form.
        payload, result: as text, cut.
        since: when it came into its state, if only its list tells that.
        condition: how it runs, if it is active.
        run: who runs it; None if nobody says so.
        expires_at: until when it is kept, if it is completed.
    """

    task: TaskInfo
    ref: str
    payload: str
    result: str
    since: datetime | None
    condition: Condition | None
    run: Run | None
    expires_at: datetime | None

    def time(self, column: str) -> datetime | None:
        """Return what a column with a time shows."""
        task, run = self.task, self.run
        times = {
            "started": run.started_at if run else None,
            "deadline": run.deadline if run else task.deadline,
            "due": task.next_process_at,
            "failed": task.last_failed_at,
            "completed": task.completed_at,
            "expires": self.expires_at,
        }
        return times.get(column, self.since)


@dataclass(frozen=True, slots=True, kw_only=True)
class DamagedRow:
    """An ID in the table whose task is gone or cannot be read; `ref` is its name in a form."""

    task: DamagedTask
    ref: str


def rows_of(page: TaskPage, runs: Mapping[str, Run], look: Look, now: datetime) -> Sequence[Row]:
    """Return the rows of a page of tasks that can be read.

    Args:
        page: the tasks, in one state.
        runs: who says that they run them, by ID.
        look: how payloads and results are shown.
        now: the time.
    """
    return [
        Row(
            task=task,
            ref=ref_text(task),
            payload=short_payload(look, task.type, task.payload),
            result=short_result(look, task.type, task.result),
            since=page.since.get(task.id),
            condition=condition_of(task, runs.get(task.id), now),
            run=runs.get(task.id),
            expires_at=expires_at(task),
        )
        for task in page.tasks
    ]


def damaged_rows_of(page: TaskPage) -> Sequence[DamagedRow]:
    """Return the rows of a page whose tasks are gone or cannot be read."""
    return [DamagedRow(task=each, ref=damaged_ref(each)) for each in page.damaged]


def condition_of(task: TaskInfo, run: Run | None, now: datetime) -> Condition | None:
    """Return how an active task runs; None for any other.

    "orphaned": its lease is over, so its worker is gone; "stuck": it runs on beyond its deadline;
    "unknown": no live server says that it runs it.
    """
    if task.state is not TaskState.ACTIVE:
        return None
    if task.is_orphaned:
        return "orphaned"
    if run is None:
        return "unknown"
    is_late = run.deadline is not None and run.deadline < now
    return "stuck" if is_late else "running"


def expires_at(task: TaskInfo) -> datetime | None:
    """Return until when a completed task is kept; None for any other."""
    if task.completed_at is None or task.retention <= timedelta():
        return None
    try:
        return task.completed_at + task.retention
    except OverflowError:
        return None


def order_of(given: str, state: TaskState) -> Order:
    """Return in which order a visitor wants tasks: the first ones of their list first, or last."""
    if given in ("first", "last"):
        return "last" if given == "last" else "first"
    return "last" if state in LATEST_FIRST else "first"
