"""Periodic tasks: all that is known of their entries; run one now, pause and resume it."""

from dataclasses import asdict
from typing import Any

import msgspec
from starlette.responses import Response

from pyasynq.admin.payload_text import in_json
from pyasynq.admin.task_row import task_row
from pyasynq.inspector import SchedulerEntry
from pyasynq.web.questions import body_of
from pyasynq.web.rest.answers import answer, nothing, plain
from pyasynq.web.routing import Call, Endpoint

PATH = "/api/x/scheduler_entries"
ABSENT = {404: "no scheduler that is alive has this entry"}


class PauseEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why an entry is paused."""

    reason: str = ""


async def list_(call: Call) -> Response:
    """Answer with all entries."""
    found = await call.service.installation.scheduler_entries()
    return answer({"entries": [plain(of_entry(each)) for each in found]})


async def run(call: Call) -> Response:
    """Enqueue the task of an entry now."""
    return answer(plain(task_row(await call.service.schedulers.run(call.names["entry_id"]))))


async def pause(call: Call) -> Response:
    """Pause an entry."""
    body = await body_of(call, PauseEntry)
    await call.service.schedulers.pause(call.names["entry_id"], reason=body.reason)
    return nothing()


async def resume(call: Call) -> Response:
    """End the pause of an entry."""
    await call.service.schedulers.resume(call.names["entry_id"])
    return nothing()


def of_entry(entry: SchedulerEntry) -> dict[str, Any]:
    """Return an entry."""
    return {**asdict(entry), **in_json("payload", entry.payload)}


ENDPOINTS = (
    Endpoint(
        method="GET",
        path=PATH,
        summary="The entries of all schedulers that are alive, with their pauses.",
        handle=list_,
        answer=dict[str, Any],
    ),
    Endpoint(
        method="POST",
        path=f"{PATH}/{{entry_id}}:run",
        summary="Enqueue the task of an entry now, beside its ticks; the answer is the task.",
        handle=run,
        action="run",
        answer=dict[str, Any],
        failures={**ABSENT, 409: "its ID or its unique lock is taken, or it cannot be read"},
    ),
    Endpoint(
        method="POST",
        path=f"{PATH}/{{entry_id}}:pause",
        summary="Let the ticks of an entry pass without a task.",
        handle=pause,
        action="pause",
        body=PauseEntry,
        failures={
            **ABSENT,
            400: "the body is wrong",
            409: "it is paused already, or of a scheduler in Go, which knows no pause",
        },
    ),
    Endpoint(
        method="POST",
        path=f"{PATH}/{{entry_id}}:resume",
        summary="End the pause of an entry.",
        handle=resume,
        action="resume",
        failures={**ABSENT, 409: "it is not paused, or of a scheduler in Go"},
    ),
)
