"""A task: all that is known of it, what can be done to it, and why it does not run."""

from typing import Any, Literal

import msgspec
from starlette.responses import Response

from pyasynq.web.questions import body_of
from pyasynq.web.refusal import Refusal
from pyasynq.web.rest.answers import answer, nothing, plain
from pyasynq.web.rest.x.given import Moment, given_bytes
from pyasynq.web.rest.x.records import of_finding, of_task
from pyasynq.web.routing import Call, Endpoint

PATH = "/api/x/queues/{queue}/tasks/{task_id}"
ABSENT = {404: "there is no such queue or task"}
REFUSED = {**ABSENT, 409: "the state of the task does not allow it"}


class Cancel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What becomes of a task that is cancelled; "drop" needs the role that deleting needs."""

    then: Literal["retry", "archive", "drop"] = "retry"


class Reschedule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a task is due: a time in RFC 3339 form, with a zone."""

    at: Moment


class Edit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is new of a task, and what its payload must be before, if given.

    Payloads are text or in Base64, lengths of time are in seconds.
    """

    payload: str | None = None
    payload_base64: bytes | None = None
    expected: str | None = None
    expected_base64: bytes | None = None
    type: str | None = None
    headers: dict[str, str] | None = None
    max_retry: int | None = None
    timeout: float | None = None
    deadline: Moment | None = None
    retention: float | None = None


async def show(call: Call) -> Response:
    """Answer with all that is known of a task."""
    queue, task_id = call.names["queue"], call.names["task_id"]
    task = await call.service.tasks.get(queue, task_id)
    progress = await call.service.tasks.progress(queue, task_id)
    return answer(plain(of_task(task, progress)))


async def explain(call: Call) -> Response:
    """Answer with why a task does not run."""
    found = await call.service.troubles.explain(call.names["queue"], call.names["task_id"])
    return answer({"findings": [plain(of_finding(each)) for each in found]})


async def run(call: Call) -> Response:
    """Run a task now."""
    await call.service.tasks.change("run", call.names["queue"], call.names["task_id"])
    return nothing()


async def archive(call: Call) -> Response:
    """Archive a task."""
    await call.service.tasks.change("archive", call.names["queue"], call.names["task_id"])
    return nothing()


async def delete(call: Call) -> Response:
    """Delete a task."""
    await call.service.tasks.change("delete", call.names["queue"], call.names["task_id"])
    return nothing()


async def cancel(call: Call) -> Response:
    """Ask the servers to cancel a task, and choose what becomes of it."""
    body = await body_of(call, Cancel)
    queue, task_id = call.names["queue"], call.names["task_id"]
    await call.service.tasks.get(queue, task_id)  # else a wrong ID would be answered as a right one
    return answer({"servers": await call.service.tasks.cancel(queue, task_id, body.then)})


async def reschedule(call: Call) -> Response:
    """Change when a task is due."""
    body = await body_of(call, Reschedule)
    await call.service.tasks.reschedule(call.names["queue"], call.names["task_id"], body.at)
    return nothing()


async def edit(call: Call) -> Response:
    """Change the payload of a task."""
    body = await body_of(call, Edit)
    payload = given_bytes("payload", body.payload, body.payload_base64)
    others = (body.type, body.headers, body.max_retry, body.timeout, body.deadline, body.retention)
    if payload is None and all(each is None for each in others):
        raise Refusal(400, "give payload or payload_base64, or what else is to be changed")
    await call.service.tasks.edit(
        call.names["queue"],
        call.names["task_id"],
        payload,
        expected=given_bytes("expected", body.expected, body.expected_base64),
        type=body.type,
        headers=body.headers,
        max_retry=body.max_retry,
        timeout=body.timeout,
        deadline=body.deadline,
        retention=body.retention,
    )
    return nothing()


ENDPOINTS = (
    Endpoint(
        method="GET",
        path=PATH,
        summary="All that is known of a task, and how far its handler said that it is.",
        handle=show,
        answer=dict[str, Any],
        failures={**ABSENT, 409: "the task cannot be read"},
    ),
    Endpoint(
        method="GET",
        path=f"{PATH}/explain",
        summary="Why a task does not run: findings, the most decisive first.",
        handle=explain,
        answer=dict[str, Any],
    ),
    Endpoint(
        method="DELETE",
        path=PATH,
        summary="Delete a task that is not running.",
        handle=delete,
        action="delete",
        failures=REFUSED,
    ),
    Endpoint(
        method="POST",
        path=f"{PATH}:run",
        summary="Make a task pending now.",
        handle=run,
        action="run",
        failures=REFUSED,
    ),
    Endpoint(
        method="POST",
        path=f"{PATH}:archive",
        summary="Archive a task that is not running.",
        handle=archive,
        action="archive",
        failures=REFUSED,
    ),
    Endpoint(
        method="POST",
        path=f"{PATH}:cancel",
        summary="Ask the servers to cancel a task; the answer is how many heard of it.",
        handle=cancel,
        action="cancel",
        body=Cancel,
        answer=dict[str, int],
        failures={**ABSENT, 400: "the body is wrong"},
    ),
    Endpoint(
        method="POST",
        path=f"{PATH}:edit",
        summary="Change the payload and more of a task that waits or is archived.",
        handle=edit,
        action="edit",
        body=Edit,
        failures={
            **ABSENT,
            400: "the body is wrong",
            409: "its state does not allow it, its payload is another, or its unique lock is taken",
        },
    ),
    Endpoint(
        method="POST",
        path=f"{PATH}:reschedule",
        summary="Change when a task is due; a pending or archived one becomes scheduled.",
        handle=reschedule,
        action="reschedule",
        body=Reschedule,
        failures={**REFUSED, 400: "the body is wrong"},
    ),
)
