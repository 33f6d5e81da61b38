"""The tasks of a queue: pages of those in one state, and new ones."""

from dataclasses import asdict
from typing import Any

import msgspec
from starlette.responses import Response

from pyasynq.admin.task_row import task_row
from pyasynq.options import EnqueueOptions, name_fault
from pyasynq.task import Task, TaskState
from pyasynq.web.questions import LARGEST_PAGE, MOST, body_of, number
from pyasynq.web.refusal import Refusal, as_bad_request
from pyasynq.web.rest.answers import answer, plain
from pyasynq.web.rest.x.given import Moment, given_bytes
from pyasynq.web.routing import Call, Endpoint, Parameter

PATH = "/api/x/queues/{queue}/tasks"
SIZE = 30
STATES = tuple(each.value for each in TaskState)
ORDERS = ("oldest", "newest")


async def list_(call: Call) -> Response:
    """Answer with a page of the tasks in one state."""
    params = call.query
    state, group = TaskState(_one_of("state", params.get("state", ""), STATES)), params.get("group")
    if group is not None and (fault := _group_fault(state, group)):
        raise Refusal(400, fault)
    found = await call.service.tasks.page(
        call.names["queue"],
        state,
        page=number(call, "page", 1, least=1, most=MOST // LARGEST_PAGE),
        page_size=number(call, "size", SIZE, least=1, most=LARGEST_PAGE),
        group=group,
        newest_first=_one_of("order", params.get("order", "oldest"), ORDERS) == "newest",
    )
    return answer(
        {
            "tasks": [plain(task_row(each)) for each in found.tasks],
            "damaged": [plain(asdict(each)) for each in found.damaged],
            "total": found.total,
        }
    )


class NewTask(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A task to enqueue: its type, its payload as text or in Base64, and its options.

    Lengths of time are in seconds. See `EnqueueOptions`.
    """

    type: str
    payload: str | None = None
    payload_base64: bytes | None = None
    headers: dict[str, str] = {}
    id: str | None = None
    max_retry: int | None = None
    timeout: float | None = None
    deadline: Moment | None = None
    unique: float | None = None
    process_at: Moment | None = None
    process_in: float | None = None
    retention: float | None = None
    group: str | None = None


async def enqueue(call: Call) -> Response:
    """Enqueue a task."""
    body = await body_of(call, NewTask)
    with as_bad_request():
        options = EnqueueOptions(
            queue=call.names["queue"],
            task_id=body.id,
            max_retry=body.max_retry,
            timeout=body.timeout,
            deadline=body.deadline,
            unique=body.unique,
            process_at=body.process_at,
            process_in=body.process_in,
            retention=body.retention,
            group=body.group,
        )
        payload = given_bytes("payload", body.payload, body.payload_base64)
        task = Task(body.type, payload, headers=body.headers, options=options)
    return answer(plain(task_row(await call.service.tasks.enqueue(task))))


def _group_fault(state: TaskState, group: str) -> str | None:
    if state is not TaskState.AGGREGATING:
        return "only tasks that are aggregating are in a group; leave group out"
    return name_fault("group", group)


def _one_of(name: str, given: str, known: tuple[str, ...]) -> str:
    if given not in known:
        raise Refusal(400, f"{name} must be one of {', '.join(known)}, not {given!r}")
    return given


ENDPOINTS = (
    Endpoint(
        method="GET",
        path=PATH,
        summary="A page of the tasks of a queue in one state, and how many there are.",
        handle=list_,
        query=(
            Parameter(name="state", meaning="The state.", default=None),
            Parameter(name="group", meaning="The group, if they are aggregating; all groups."),
            Parameter(name="page", meaning="Its number, from 1.", kind="integer", default=1),
            Parameter(
                name="size",
                meaning="How many tasks it has, at most 1,000.",
                kind="integer",
                default=SIZE,
            ),
            Parameter(name="order", meaning="oldest, or newest first.", default="oldest"),
        ),
        answer=dict[str, Any],
        failures={400: "a parameter is wrong", 404: "there is no such queue"},
    ),
    Endpoint(
        method="POST",
        path=PATH,
        summary="Enqueue a task, if the application allows that; the answer is the task.",
        handle=enqueue,
        action="enqueue",
        body=NewTask,
        answer=dict[str, Any],
        failures={400: "the body is wrong", 409: "its ID or its unique lock is taken"},
    ),
)
