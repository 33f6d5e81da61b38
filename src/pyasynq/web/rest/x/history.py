"""What workers have kept: the attempts of a task, and the statistics of task types."""

from dataclasses import asdict
from typing import Any

from starlette.responses import Response

from pyasynq.web.rest.answers import answer, plain
from pyasynq.web.rest.x.records import of_attempt
from pyasynq.web.routing import Call, Endpoint


async def show_attempts(call: Call) -> Response:
    """Answer with the last attempts to run a task."""
    found = await call.service.history.attempts(call.names["queue"], call.names["task_id"])
    return answer({"attempts": [plain(of_attempt(each)) for each in found]})


async def show_types(call: Call) -> Response:
    """Answer with the task types that are known."""
    found = await call.service.history.types()
    return answer({"types": [plain(asdict(each)) for each in found]})


async def show_type(call: Call) -> Response:
    """Answer with the statistics of a task type."""
    found = await call.service.history.type_stats(call.names["type"])
    return answer(plain(asdict(found)))


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/x/queues/{queue}/tasks/{task_id}/attempts",
        summary="The last attempts to run a task, the latest first, if workers keep them.",
        handle=show_attempts,
        answer=dict[str, Any],
        failures={404: "there is no such queue"},
    ),
    Endpoint(
        method="GET",
        path="/api/x/types",
        summary="Task types: who handles them, and what was done of them in the last hour.",
        handle=show_types,
        answer=dict[str, Any],
    ),
    Endpoint(
        method="GET",
        path="/api/x/types/{type}",
        summary="What was done of a task type in each minute of the last hour, and in each queue.",
        handle=show_type,
        answer=dict[str, Any],
        failures={400: "the name of the type is wrong"},
    ),
)
