"""Tasks as files: CSV, a JSON document a line, and lines that `pyasynq task import` reads.

A file is streamed: it begins at once, and ends when the visitor goes away. If Redis fails half-way,
the answer is broken off, so that nobody takes a part for all of it.
"""

import csv
import io
import json
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from pyasynq.admin.task_row import task_row
from pyasynq.errors import PyasynqError
from pyasynq.inspector import DamagedTask
from pyasynq.task import TaskInfo, TaskState
from pyasynq.web.refusal import Refusal
from pyasynq.web.rest.answers import in_json, plain
from pyasynq.web.routing import Call, Endpoint, Parameter
from pyasynq.web.service.exports import Exported
from pyasynq.web.service.job_request import place_filter

DAMAGE = "damage"  # the column of what is wrong with a task that cannot be read
COLUMNS = (
    *("queue", "state", "id", "type", "payload", "payload_base64", "headers", "group"),
    *("max_retry", "retried", "last_error", "last_failed_at", "next_process_at", "timeout"),
    *("deadline", "retention", "completed_at", "result", "result_base64", "is_orphaned", DAMAGE),
)
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - spreadsheets read them
STATES = tuple(each.value for each in TaskState)

logger = logging.getLogger("pyasynq.web")


class _Broken(Exception):  # noqa: N818 - no error of ours, but of what we read from
    """An export cannot go on."""


class _File(StreamingResponse):
    """A file that is made while it is sent."""

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except (_Broken, ClientDisconnect):
            return  # the server closes the connection in the midst of the answer


async def export(call: Call) -> Response:
    """Answer with tasks as a file."""
    form = call.query.get("format", "jsonl")
    if form not in _FORMS:
        raise Refusal(400, f"format must be {', '.join(_FORMS)}, not {form!r}")
    make, media_type, ending = _FORMS[form]
    body = await make(call)
    headers = {"Content-Disposition": f'attachment; filename="tasks.{ending}"'}
    if call.request.method == "HEAD":
        return Response(headers=headers, media_type=media_type)
    return _File(_sent(body), headers=headers, media_type=media_type)


async def _as_csv(call: Call) -> AsyncIterator[bytes]:
    found = await _found(call)

    async def made() -> AsyncIterator[bytes]:
        yield in_csv([COLUMNS])
        async for some in found:
            yield in_csv(map(csv_row, some))

    return made()


async def _as_jsonl(call: Call) -> AsyncIterator[bytes]:
    found = await _found(call)

    async def made() -> AsyncIterator[bytes]:
        async for some in found:
            yield b"".join(in_json(plain(row_of(each))) for each in some)

    return made()


async def _as_lines(call: Call) -> AsyncIterator[bytes]:
    params = call.query
    if "query" in params or not params.get("queue"):
        raise Refusal(400, "format=import takes a queue, and no query")
    found = await call.service.exports.lines(params["queue"], _state(call), params.get("group"))

    async def made() -> AsyncIterator[bytes]:
        async for line in found:
            yield line.encode("utf-8", "surrogateescape")

    return made()


_FORMS: Mapping[str, tuple[Callable[[Call], Any], str, str]] = {
    "jsonl": (_as_jsonl, "application/x-ndjson", "jsonl"),
    "csv": (_as_csv, "text/csv; charset=utf-8", "csv"),
    "import": (_as_lines, "application/x-ndjson", "jsonl"),
}


async def _found(call: Call) -> AsyncIterator[Exported]:
    params = call.query
    query, queue = params.get("query"), params.get("queue")
    if query is not None and queue is not None:
        raise Refusal(400, "give either query, or queue")
    if queue is None:
        if "state" in params or "group" in params:
            raise Refusal(400, "state and group need a queue; or write them into query")
        return await call.service.exports.tasks(query or "")
    return await call.service.exports.tasks(place_filter(queue, _state(call), params.get("group")))


def _state(call: Call) -> TaskState | None:
    given = call.query.get("state")
    if given is not None and given not in STATES:
        raise Refusal(400, f"state must be one of {', '.join(STATES)}, not {given!r}")
    return None if given is None else TaskState(given)


async def _sent(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield *body*; if it cannot go on, tell the log why.

    A RedisUnavailableError is an OSError, which would be taken for a visitor who went away.
    """
    try:
        async for each in body:
            yield each
    except PyasynqError as error:
        logger.warning("an export was broken off: %s", error)
        raise _Broken from error


def row_of(task: TaskInfo | DamagedTask) -> dict[str, object]:
    """Return the fields of a task; of one that cannot be read, where it is and what is wrong."""
    if isinstance(task, TaskInfo):
        return {**task_row(task), DAMAGE: None}
    return {"id": task.id, "queue": task.queue, "state": task.state.value, DAMAGE: task.reason}


def csv_row(task: TaskInfo | DamagedTask) -> list[str]:
    """Return the cells of a task, in the order of `COLUMNS`."""
    row = plain(row_of(task))
    return [_cell(row.get(name)) for name in COLUMNS]


def in_csv(rows: Iterable[Iterable[str]]) -> bytes:
    """Return rows as CSV; text that is not UTF-8 has U+FFFD in it."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode("utf-8", "surrogateescape").decode("utf-8", "replace").encode()


def _cell(value: object) -> str:
    """Return a value as a cell that no spreadsheet takes for a formula."""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA) else value
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False) if value else ""
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/x/export",
        summary="All tasks that match a filter, or of a queue, as a file.",
        handle=export,
        query=(
            Parameter(
                name="format",
                meaning="jsonl, csv, or import for what `pyasynq task import` reads.",
                default="jsonl",
            ),
            Parameter(name="query", meaning="A filter, such as type:email:*; all tasks."),
            Parameter(name="queue", meaning="The queue, in place of a filter."),
            Parameter(name="state", meaning="The state, with a queue; all states."),
            Parameter(name="group", meaning="The group, if its tasks are aggregating."),
        ),
        answer=str,
        media_types=("application/x-ndjson", "text/csv"),
        failures={
            400: "a parameter is wrong",
            404: "the filter names queues, none of which exists",
            409: "format=import, but something of the tasks is hidden",
        },
    ),
)
