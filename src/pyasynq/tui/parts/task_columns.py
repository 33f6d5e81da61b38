"""The columns of the tasks of each state."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from rich.text import Text

from pyasynq.admin.payload_text import payload_text
from pyasynq.admin.spans import ago, until
from pyasynq.inspector.pages import DamagedTask, TaskPage
from pyasynq.task import TaskInfo, TaskState
from pyasynq.tui.parts.cells import cell
from pyasynq.tui.parts.colours import Colours
from pyasynq.tui.parts.layout import Column
from pyasynq.tui.parts.rows_table import Row

CellOf = Callable[[TaskInfo, datetime, Colours], Text]


@dataclass(frozen=True, slots=True)
class TaskColumn:
    """A column, and what is in it."""

    column: Column
    cell: CellOf


ID = TaskColumn(
    Column(heading="ID", flexible=True, first=True, least=13),
    lambda task, _now, colours: cell(task.id, colours.accent),
)
TYPE = TaskColumn(
    Column(heading="Type", flexible=True, least=14),
    lambda task, _now, colours: cell(task.type, colours.strong),
)
RETRIED = TaskColumn(
    Column(heading="Retried", right=True, rank=2),
    lambda task, _now, colours: cell(
        f"{task.retried}/{task.max_retry}", "" if task.retried else colours.dim
    ),
)
PAYLOAD = TaskColumn(
    Column(heading="Payload", flexible=True, least=12),
    lambda task, _now, colours: cell(payload_text(task.payload), colours.dim),
)
DUE = TaskColumn(
    Column(heading="Due"), lambda task, now, _colours: cell(until(task.next_process_at, now))
)
LEASE = TaskColumn(
    Column(heading="Worker"),
    lambda task, _now, colours: cell(
        "gone" if task.is_orphaned else "alive", colours.bad if task.is_orphaned else colours.good
    ),
)
FAILED = TaskColumn(
    Column(heading="Failed", rank=1),
    lambda task, now, colours: cell(ago(task.last_failed_at, now), colours.dim),
)
ERROR = TaskColumn(
    Column(heading="Last error", flexible=True, least=14),
    lambda task, _now, colours: cell(task.last_error, colours.bad),
)
COMPLETED = TaskColumn(
    Column(heading="Completed"),
    lambda task, now, colours: cell(ago(task.completed_at, now), colours.dim),
)
RESULT = TaskColumn(
    Column(heading="Result", flexible=True, least=12),
    lambda task, _now, _colours: cell(payload_text(task.result or b"")),
)
GROUP = TaskColumn(
    Column(heading="Group", flexible=True, least=8),
    lambda task, _now, _colours: cell(task.group),
)

# asynq v0.26 tools/asynq/cmd/dash: its columns; those that are as old as an error stand before it.
COLUMNS: Mapping[TaskState, Sequence[TaskColumn]] = {
    TaskState.ACTIVE: (ID, TYPE, RETRIED, LEASE, PAYLOAD),
    TaskState.PENDING: (ID, TYPE, RETRIED, PAYLOAD),
    TaskState.AGGREGATING: (ID, TYPE, GROUP, PAYLOAD),
    TaskState.SCHEDULED: (ID, TYPE, DUE, PAYLOAD),
    TaskState.RETRY: (ID, TYPE, RETRIED, DUE, FAILED, ERROR),
    TaskState.ARCHIVED: (ID, TYPE, RETRIED, FAILED, ERROR),
    TaskState.COMPLETED: (ID, TYPE, COMPLETED, RESULT, PAYLOAD),
}


def columns_of(state: TaskState) -> tuple[Column, ...]:
    """Return the columns of the tasks in a state."""
    return tuple(each.column for each in COLUMNS[state])


def task_rows(page: TaskPage, state: TaskState, now: datetime, colours: Colours) -> Sequence[Row]:
    """Return the rows of a page; tasks that cannot be read come last, with the reason."""
    columns = COLUMNS[state]
    rows = [
        Row(task.id, tuple(each.cell(task, now, colours) for each in columns), task)
        for task in page.tasks
    ]
    return [*rows, *(_damaged_row(each, len(columns), colours) for each in page.damaged)]


def _damaged_row(task: DamagedTask, columns: int, colours: Colours) -> Row:
    between = [cell("") for _ in range(columns - 3)]
    unreadable = cell("unreadable", colours.bad)
    cells = (cell(task.id, colours.accent), unreadable, *between, cell(task.reason, colours.bad))
    return Row(task.id, cells, task)
