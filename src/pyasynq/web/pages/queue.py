"""A queue: what it is, and its tasks in one state."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import RedirectResponse, Response

from pyasynq.admin.filters import Term, all_of
from pyasynq.admin.overview import STATES
from pyasynq.answers import concerns_redis_as_a_whole
from pyasynq.errors import NotFoundError, PayloadError, PyasynqError, QueueNotFoundError
from pyasynq.inspector import TaskPage
from pyasynq.options import name_fault
from pyasynq.task import TaskState
from pyasynq.web.pages.forms import Form, asked
from pyasynq.web.pages.preferences import ROWS
from pyasynq.web.pages.rendering import rendered
from pyasynq.web.pages.tables import page_number, page_of, pages, sorted_by
from pyasynq.web.pages.task_rows import (
    BY_DUE_TIME,
    COLUMNS,
    EMPTY,
    NUMBERS,
    VERBS,
    damaged_rows_of,
    order_of,
    rows_of,
)
from pyasynq.web.pages.view import view_of
from pyasynq.web.questions import number
from pyasynq.web.refusal import Refusal
from pyasynq.web.routing import Call, Endpoint
from pyasynq.web.service.records import Run

MOST_QUEUES = 200  # in the list to switch to another
DEFAULT_STATE = TaskState.ACTIVE  # as in asynqmon


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which tasks of the queue are asked for.

    Attributes:
        state: their state.
        group: their group; empty for none.
        find: what the names of groups must contain.
        size: rows of a page.
    """

    state: TaskState
    group: str
    find: str
    size: int


async def show_queue(call: Call) -> Response:
    """Show a queue, and its tasks in one state."""
    queue, form = call.names["queue"], asked(call)
    missing = form.text("id").strip()
    if missing and await _has_task(call, queue, missing):
        return RedirectResponse(view_of(call).links.to("queues", queue, "tasks", missing), 303)
    wanted = _wanted(call, form)
    info, names = await asyncio.gather(
        call.service.queues.info(queue), call.service.queues.names(limit=MOST_QUEUES + 1)
    )
    is_list_of_groups = wanted.state is TaskState.AGGREGATING and not wanted.group
    show = _groups if is_list_of_groups else _tasks
    try:
        shown = await show(call, queue, wanted, form)
    except PyasynqError as error:
        if concerns_redis_as_a_whole(error) or isinstance(error, QueueNotFoundError):
            raise
        shown = {"broken": str(error)}
    return rendered(
        call,
        "queue.html",
        section="queues",
        queue=queue,
        info=info,
        names=names[:MOST_QUEUES],
        has_more_queues=len(names) > MOST_QUEUES,
        states=[state.value for state in STATES],
        state=wanted.state.value,
        group=wanted.group,
        find=wanted.find,
        verbs=VERBS[wanted.state],
        empty=EMPTY[wanted.state],
        size=wanted.size,
        sizes=ROWS,
        is_deleting=form.has("deleting"),
        missing=missing,
        missing_query=str(Term("id", "=", (missing,))) if missing else "",
        all_query=_query(queue, wanted.state, wanted.group),
        **{"broken": "", "rows": (), "damaged": (), "groups": None, **shown},
    )


async def _tasks(call: Call, queue: str, wanted: Wanted, form: Form) -> Mapping[str, Any]:
    """Return what the page shows of the tasks in one state."""
    order = order_of(form.text("order"), wanted.state)
    found = await _page(call, queue, wanted, page_number(call), is_reversed=order == "last")
    last = pages(found.total, wanted.size)
    if found.page > last:
        found = await _page(call, queue, wanted, last, is_reversed=order == "last")
    is_active = wanted.state is TaskState.ACTIVE
    runs: Mapping[str, Run] = await call.service.records.runs(queue) if is_active else {}
    return {
        "rows": rows_of(found, runs, call.look, call.service.now),
        "damaged": damaged_rows_of(found),
        "columns": COLUMNS[wanted.state],
        "numbers": NUMBERS,
        "order": order,
        "orders": "due" if wanted.state in BY_DUE_TIME else "age",
        "page": found.page,
        "pages": pages(found.total, wanted.size),
        "total": found.total,
    }


async def _page(
    call: Call, queue: str, wanted: Wanted, page: int, *, is_reversed: bool
) -> TaskPage:
    return await call.service.tasks.page(
        queue,
        wanted.state,
        page=page,
        page_size=wanted.size,
        group=wanted.group or None,
        newest_first=is_reversed,
    )


async def _groups(call: Call, queue: str, wanted: Wanted, form: Form) -> Mapping[str, Any]:
    """Return what the page shows of the groups."""
    del form
    every = await call.service.queues.groups(queue)
    sought = wanted.find.casefold()
    matching = [each for each in every if sought in each.group.casefold()]
    sort, ordered = sorted_by(
        call,
        matching,
        {"group": lambda each: each.group, "size": lambda each: each.size},
        default="group",
    )
    part = page_of(call, ordered, wanted.size)
    names = [each.group for each in part.rows if not name_fault("group", each.group)]
    return {
        "groups": part.rows,
        "ages": await call.service.queues.group_ages(queue, names),
        "queries": {name: _query(queue, wanted.state, name) for name in names},
        "sort": sort,
        "page": part.number,
        "pages": part.count,
        "total": len(matching),
        "every": len(every),
    }


async def _has_task(call: Call, queue: str, task_id: str) -> bool:
    if name_fault("task_id", task_id) is not None:
        return False
    try:
        await call.service.tasks.get(queue, task_id)
    except NotFoundError:
        return False
    except PayloadError:
        return True
    return True


def _wanted(call: Call, form: Form) -> Wanted:
    """Return what is asked for.

    Raises:
        Refusal: it makes no sense.
    """
    status = form.text("status") or DEFAULT_STATE
    if status not in tuple(TaskState):
        raise Refusal(400, f"status must be one of {', '.join(TaskState)}", key="state")
    state, group = TaskState(status), form.text("group")
    if group and (fault := name_fault("group", group)):
        raise Refusal(400, fault)
    return Wanted(
        state=state,
        group=group if state is TaskState.AGGREGATING else "",
        find=form.text("find").strip(),
        size=number(call, "size", view_of(call).prefers.rows, least=1, most=max(ROWS)),
    )


def _query(queue: str, state: TaskState, group: str) -> str:
    """Return the filter of all tasks of a queue in one state, or of a group."""
    names: Sequence[tuple[str, str]] = (("queue", queue), ("state", state.value), ("group", group))
    return str(all_of([Term(name, "=", (value,)) for name, value in names if value]))


PAGES = (
    Endpoint(
        method="GET",
        path="/queues/{queue}",
        summary="A queue, and its tasks in one state.",
        handle=show_queue,
    ),
)
