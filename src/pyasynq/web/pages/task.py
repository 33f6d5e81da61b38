"""A task: all that is known of it, and why it does not run."""

import asyncio
from collections.abc import Sequence

from starlette.responses import Response

from pyasynq.admin.filters import Term
from pyasynq.answers import concerns_redis_as_a_whole
from pyasynq.errors import NotFoundError, PayloadError, PyasynqError
from pyasynq.inspector import Attempt, Finding
from pyasynq.task import TaskState
from pyasynq.web.pages.contents import payload_content, printable, result_content
from pyasynq.web.pages.rendering import rendered
from pyasynq.web.pages.task_edit import editable_of
from pyasynq.web.pages.task_rows import condition_of, expires_at
from pyasynq.web.pages.timeline import timeline
from pyasynq.web.refusal import Refusal, refusal_of
from pyasynq.web.routing import Call, Endpoint
from pyasynq.web.service.tasks import Verb

RUNNABLE = (
    *(TaskState.SCHEDULED, TaskState.RETRY, TaskState.ARCHIVED, TaskState.COMPLETED),
    TaskState.AGGREGATING,
)
ACTS: dict[TaskState, tuple[Verb, ...]] = {
    state: (
        *(("run",) if state in RUNNABLE else ()),
        *(("archive",) if state is not TaskState.ARCHIVED else ()),
        "delete",
    )
    for state in TaskState
    if state is not TaskState.ACTIVE
} | {TaskState.ACTIVE: ()}
"""What can be done to a task in each state; an active one is cancelled."""

MOVABLE = (TaskState.SCHEDULED, TaskState.RETRY, TaskState.PENDING, TaskState.ARCHIVED)
FURTHER = ("5m", "1h", "1d")  # from now; buttons to reschedule


async def show_task(call: Call) -> Response:
    """Show a task; if there is none, or it cannot be read, say what is known."""
    queue, task_id = call.names["queue"], call.names["task_id"]
    findings = await call.service.troubles.explain(queue, task_id)
    try:
        record, attempts = await asyncio.gather(
            call.service.records.read(queue, task_id), _attempts(call, queue, task_id)
        )
    except NotFoundError as error:
        return _without(call, findings, 404, "gone", refusal_of(error))
    except PayloadError as error:
        return _without(call, findings, 409, "damaged", refusal_of(error))
    task, now = record.task, call.service.now
    return rendered(
        call,
        "task.html",
        section="queues",
        task=task,
        record=record,
        whole=whole,
        findings=findings,
        condition=condition_of(task, record.run, now),
        expires_at=expires_at(task),
        payload=payload_content(call.look, task.type, task.payload),
        result=result_content(call.look, task.type, task.result),
        last_error=printable(task.last_error),
        attempts=attempts,
        printable=printable,
        events=timeline(record, attempts, now),
        acts=ACTS[task.state],
        can_move=task.state in MOVABLE,
        further=FURTHER,
        editable=editable_of(record),
    )


async def send_payload(call: Call) -> Response:
    """Answer with the payload of a task as a file."""
    task = await call.service.tasks.get(call.names["queue"], call.names["task_id"])
    return _file(task.payload, "payload")


async def send_result(call: Call) -> Response:
    """Answer with the result of a task as a file."""
    task = await call.service.tasks.get(call.names["queue"], call.names["task_id"])
    if task.result is None:
        raise Refusal(404, "the task has no result", key="no_result")
    return _file(task.result, "result")


def whole(value: float) -> float:
    """Return a number without a fraction that says nothing."""
    return int(value) if float(value).is_integer() else value


def _file(data: bytes, name: str) -> Response:
    """Return what a browser saves and does not show, whatever is in it."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.bin"'}
    return Response(data, 200, headers, media_type="application/octet-stream")


async def _attempts(call: Call, queue: str, task_id: str) -> Sequence[Attempt]:
    """Return the attempts that workers have kept; none if what they keep cannot be read."""
    try:
        return await call.service.history.attempts(queue, task_id)
    except PyasynqError as error:
        if concerns_redis_as_a_whole(error):
            raise
        return ()


def _without(
    call: Call, findings: Sequence[Finding], status: int, kind: str, refusal: Refusal
) -> Response:
    """Return a page about a task that is gone, or cannot be read."""
    return rendered(
        call,
        "no_task.html",
        section="queues",
        status=status,
        kind=kind,
        queue=call.names["queue"],
        task_id=call.names["task_id"],
        refusal=refusal,
        findings=findings,
        query=str(Term("id", "=", (call.names["task_id"],))),
    )


PATH = "/queues/{queue}/tasks/{task_id}"

PAGES = (
    Endpoint(
        method="GET",
        path=PATH,
        summary="A task: all that is known of it, and why it does not run.",
        handle=show_task,
    ),
    Endpoint(
        method="GET",
        path=f"{PATH}/payload",
        summary="The payload of a task, as a file.",
        handle=send_payload,
    ),
    Endpoint(
        method="GET",
        path=f"{PATH}/result",
        summary="The result of a task, as a file.",
        handle=send_result,
    ),
)
