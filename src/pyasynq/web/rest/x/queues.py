"""Queues: their names, pauses with reason and end, and deletion with all that is in them."""

from typing import Any

import msgspec
from starlette.responses import Response

from pyasynq.web.questions import LARGEST_PAGE, body_of, number
from pyasynq.web.rest.answers import answer, nothing
from pyasynq.web.rest.x.given import Moment
from pyasynq.web.routing import Call, Endpoint, Parameter

PATH = "/api/x/queues"
ABSENT = {404: "there is no such queue"}


class Pause(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a queue is paused, and when the pause ends by itself: never if that is not given."""

    reason: str = ""
    until: Moment | None = None


async def list_names(call: Call) -> Response:
    """Answer with the names of queues."""
    limit = number(call, "limit", LARGEST_PAGE, least=1, most=LARGEST_PAGE)
    part = call.query.get("part", "")
    return answer({"queues": await call.service.queues.names(part, limit=limit)})


async def pause(call: Call) -> Response:
    """Pause a queue."""
    body = await body_of(call, Pause)
    await call.service.queues.pause(call.names["queue"], reason=body.reason, until=body.until)
    return nothing()


async def resume(call: Call) -> Response:
    """End the pause of a queue."""
    await call.service.queues.resume(call.names["queue"])
    return nothing()


async def delete(call: Call) -> Response:
    """Delete a queue, if it is confirmed with its tasks."""
    confirm = call.query.get("confirm")
    await call.service.queues.delete(
        call.names["queue"], force=confirm is not None, confirm=confirm or ""
    )
    return nothing()


ENDPOINTS = (
    Endpoint(
        method="GET",
        path=PATH,
        summary="The names of queues, for a field that completes them.",
        handle=list_names,
        query=(
            Parameter(name="part", meaning="What the names contain, in any case."),
            Parameter(
                name="limit",
                meaning="How many names, at most 1,000.",
                kind="integer",
                default=LARGEST_PAGE,
            ),
        ),
        answer=dict[str, Any],
        failures={400: "a parameter is wrong"},
    ),
    Endpoint(
        method="POST",
        path=f"{PATH}/{{queue}}:pause",
        summary="Let workers take no more tasks from a queue, with a reason and an end.",
        handle=pause,
        action="pause",
        body=Pause,
        failures={**ABSENT, 400: "the body is wrong", 409: "it is paused already"},
    ),
    Endpoint(
        method="POST",
        path=f"{PATH}/{{queue}}:resume",
        summary="End the pause of a queue.",
        handle=resume,
        action="resume",
        failures={409: "it is not paused, or there is no such queue"},
    ),
    Endpoint(
        method="DELETE",
        path=f"{PATH}/{{queue}}",
        summary="Delete a queue that is empty; if its name is confirmed, one that is not.",
        handle=delete,
        action="delete queue",
        query=(
            Parameter(name="confirm", meaning="The name of the queue, to delete its tasks, too."),
        ),
        failures={
            **ABSENT,
            400: "it is not empty",
            409: "it has tasks that run, or its name is confirmed wrongly",
        },
    ),
)
