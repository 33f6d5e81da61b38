"""Looking for tasks in all queues."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from starlette.responses import Response

from pyasynq.admin.filters import FIELDS
from pyasynq.admin.findings import Found
from pyasynq.admin.overview import STATES
from pyasynq.errors import ConfigError, FilterError, QueueNotFoundError
from pyasynq.task import TaskInfo, TaskState
from pyasynq.web.look import Look
from pyasynq.web.pages.forms import asked
from pyasynq.web.pages.rendering import rendered
from pyasynq.web.pages.search_query import EXAMPLES, Wanted, marked, wanted_of
from pyasynq.web.pages.task_refs import ref_text
from pyasynq.web.pages.view import view_of
from pyasynq.web.questions import number
from pyasynq.web.refusal import Refusal, refusal_of
from pyasynq.web.routing import Call, Endpoint

SCANNED = 10_000  # tasks that one page looks at, unless it is asked for more
MOST_SCANNED = 100_000
MOST_QUEUES = 500  # in a list to choose from

When = Literal["due", "failed", "completed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A task in the table.

    Attributes:
        task: the task.
        ref: its name in a form.
        payload: as text, cut.
        when: a time that tells most about a task in its state; None if there is none.
        kind: what happens or has happened then.
    """

    task: TaskInfo
    ref: str
    payload: str
    when: datetime | None
    kind: When


def row_of(task: TaskInfo, look: Look) -> Row:
    """Return what the table shows of a task."""
    when, kind = _time_of(task)
    return Row(
        task=task,
        ref=ref_text(task),
        payload=look.formatters.of_payload(task.type, task.payload),
        when=when,
        kind=kind,
    )


async def show_search(call: Call) -> Response:
    """Show the tasks of all queues that match a filter."""
    form = asked(call)
    wanted = wanted_of(form)
    found: Found | None = None
    refusal: Refusal | None = None
    filter_text, mistake = "", None
    rows = view_of(call).prefers.rows
    scan = number(call, "scan", SCANNED, least=1, most=MOST_SCANNED)
    try:
        filter_text = str(wanted.filter())
        if wanted.is_asked:
            found = await call.service.troubles.search(
                filter_text, limit=rows, scan=scan, cursor=form.text("cursor") or None
            )
    except FilterError as error:
        refusal, mistake = refusal_of(error), marked(error.query, error.column)
    except QueueNotFoundError as error:
        refusal = refusal_of(error)
    except ConfigError as error:
        raise Refusal(400, str(error)) from error
    return rendered(
        call,
        "search.html",
        section="tasks",
        status=refusal.status if refusal else 200,
        wanted=wanted,
        queues=await _choices(call, wanted),
        states=[state.value for state in STATES],
        examples=EXAMPLES,
        fields=tuple(FIELDS),
        filter=filter_text,
        refusal=refusal,
        mistake=mistake,
        found=found,
        rows=[row_of(task, call.look) for task in found.tasks] if found else [],
        is_further=form.has("cursor"),
        further=MOST_SCANNED if found and len(found.tasks) < rows else scan,
    )


async def _choices(call: Call, wanted: Wanted) -> Sequence[str]:
    """Return the queues to choose from; none if there are too many for that."""
    names = await call.service.queues.names(limit=MOST_QUEUES + 1)
    if len(names) > MOST_QUEUES:
        return ()
    others = () if wanted.queue in ("", *names) else (wanted.queue,)
    return (*names, *others)


def _time_of(task: TaskInfo) -> tuple[datetime | None, When]:
    match task.state:
        case TaskState.SCHEDULED | TaskState.RETRY:
            return task.next_process_at, "due"
        case TaskState.COMPLETED:
            return task.completed_at, "completed"
    return task.last_failed_at, "failed"


PAGES = (
    Endpoint(
        method="GET",
        path="/tasks",
        summary="The tasks of all queues that match a filter.",
        handle=show_search,
    ),
)
