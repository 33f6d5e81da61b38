"""What the forms on the page of a task do."""

from datetime import datetime

from starlette.responses import Response

from pyasynq.options import moment_fault
from pyasynq.task import TaskState
from pyasynq.web.pages.forms import Form, form_of
from pyasynq.web.pages.links import Links
from pyasynq.web.pages.moments import moment_typed, span_chosen
from pyasynq.web.pages.rendering import done
from pyasynq.web.pages.task_edit import payload_of
from pyasynq.web.refusal import Refusal
from pyasynq.web.routing import Call, Endpoint

STATES = tuple(TaskState)
PATH = "/queues/{queue}/tasks/{task_id}"


async def run_task(call: Call) -> Response:
    """Make a task pending now."""
    form = await form_of(call)
    await call.service.tasks.change("run", *_names(call))
    return done(call, form.back, "task_run")


async def archive_task(call: Call) -> Response:
    """Archive a task."""
    form = await form_of(call)
    await call.service.tasks.change("archive", *_names(call))
    return done(call, form.back, "task_archived")


async def delete_task(call: Call) -> Response:
    """Delete a task, and lead to its queue."""
    form = await form_of(call)
    queue, task_id = _names(call)
    await call.service.tasks.change("delete", queue, task_id)
    status = form.text("status")
    back = Links("", "", "").to("queues", queue, status=status if status in STATES else None)
    return done(call, back, "task_deleted")


async def cancel_task(call: Call) -> Response:
    """Ask the servers to cancel a task; the form says what becomes of it."""
    form = await form_of(call)
    queue, task_id = _names(call)
    await call.service.tasks.get(queue, task_id)  # else a wrong ID would be answered as a right one
    match form.text("then", "retry"):
        case "retry":
            count = await call.service.tasks.cancel(queue, task_id, "retry")
        case "archive":
            count = await call.service.tasks.cancel(queue, task_id, "archive")
        case "drop":
            count = await call.service.tasks.cancel(queue, task_id, "drop")
        case _:
            raise Refusal(400, "then must be retry, archive or drop")
    return done(call, form.back, "task_cancelled", count=count)


async def reschedule_task(call: Call) -> Response:
    """Change when a task is due: to a time, or by so much from now."""
    form = await form_of(call)
    await call.service.tasks.reschedule(*_names(call), _due(call, form))
    return done(call, form.back, "task_rescheduled")


async def edit_task(call: Call) -> Response:
    """Replace the payload of a task, if it is still the one that the form has shown."""
    form = await form_of(call)
    await call.service.records.edit(*_names(call), payload_of(form), seen=form.text("seen"))
    return done(call, form.back, "task_edited")


def _names(call: Call) -> tuple[str, str]:
    return call.names["queue"], call.names["task_id"]


def _due(call: Call, form: Form) -> datetime:
    """Return when a task is to be due.

    Raises:
        Refusal: the form does not say it.
    """
    if span := form.text("in"):
        return call.service.now + span_chosen(span)
    at = moment_typed(form.text("at"))
    if at is None:
        raise Refusal(400, "say when the task is due", key="due")
    if fault := moment_fault("at", at):
        raise Refusal(400, fault)
    return at


PAGES = (
    Endpoint(
        method="POST",
        path=f"{PATH}/run",
        summary="Makes a task pending now.",
        handle=run_task,
        action="run",
    ),
    Endpoint(
        method="POST",
        path=f"{PATH}/archive",
        summary="Archives a task.",
        handle=archive_task,
        action="archive",
    ),
    Endpoint(
        method="POST",
        path=f"{PATH}/delete",
        summary="Deletes a task.",
        handle=delete_task,
        action="delete",
    ),
    Endpoint(
        method="POST",
        path=f"{PATH}/cancel",
        summary="Asks the servers to cancel a task.",
        handle=cancel_task,
        action="cancel",
    ),
    Endpoint(
        method="POST",
        path=f"{PATH}/reschedule",
        summary="Changes when a task is due.",
        handle=reschedule_task,
        action="reschedule",
    ),
    Endpoint(
        method="POST",
        path=f"{PATH}/edit",
        summary="Replaces the payload of a task.",
        handle=edit_task,
        action="edit",
    ),
)
