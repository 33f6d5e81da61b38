"""What is wrong: health, findings, searches, and failures by kind."""

from dataclasses import asdict
from typing import Any

from starlette.responses import Response

from pyasynq.admin.findings import decode_stop
from pyasynq.errors import ConfigError
from pyasynq.web.questions import LARGEST_PAGE, number
from pyasynq.web.refusal import Refusal
from pyasynq.web.rest.answers import answer, plain
from pyasynq.web.rest.x.records import of_failures, of_finding, of_search
from pyasynq.web.routing import Call, Endpoint, Parameter

SCANNED = 10_000  # tasks that a request looks at, unless it asks for more
MOST_SCANNED = 100_000
MOST_GROUPS = 1000
MOST_QUEUES = 100

QUERY = Parameter(name="query", meaning="A filter, such as type:email:* error~timeout; all tasks.")
SCAN = Parameter(
    name="scan",
    meaning="How many tasks are looked at, at most 100,000.",
    kind="integer",
    default=SCANNED,
)
BAD = {400: "a parameter is wrong", 404: "the filter names queues, none of which exists"}


async def show_health(call: Call) -> Response:
    """Answer whether Redis answers and servers are alive; 503 if not all is well."""
    queues = call.query.getlist("queue")[:MOST_QUEUES]
    found = await call.service.troubles.health(queues)
    return answer(asdict(found), 200 if found.healthy else 503)


async def show_attention(call: Call) -> Response:
    """Answer with what needs a person."""
    found = await call.service.troubles.attention()
    return answer({"findings": [plain(of_finding(each)) for each in found]})


async def search(call: Call) -> Response:
    """Answer with the tasks that match a filter."""
    cursor = call.query.get("cursor") or None
    if cursor is not None:
        _check_cursor(cursor)
    found = await call.service.troubles.search(
        call.query.get("query", ""),
        limit=number(call, "limit", 30, least=1, most=LARGEST_PAGE),
        scan=_scan(call),
        cursor=cursor,
    )
    return answer(plain(of_search(found)))


async def show_errors(call: Call) -> Response:
    """Answer with failures, grouped by what went wrong."""
    found = await call.service.troubles.failures(
        call.query.get("query", ""),
        scan=_scan(call),
        most=number(call, "most", 100, least=1, most=MOST_GROUPS),
    )
    return answer(plain(of_failures(found)))


def _scan(call: Call) -> int:
    return number(call, "scan", SCANNED, least=1, most=MOST_SCANNED)


def _check_cursor(cursor: str) -> None:
    try:
        decode_stop(cursor)
    except ConfigError as error:
        raise Refusal(400, str(error)) from error


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/x/health",
        summary="Whether Redis answers and servers are alive.",
        handle=show_health,
        query=(Parameter(name="queue", meaning="It must be served, too; may be given again."),),
        answer=dict[str, Any],
        failures={503: "not all is well"},
    ),
    Endpoint(
        method="GET",
        path="/api/x/attention",
        summary="What needs a person, the most urgent first.",
        handle=show_attention,
        answer=dict[str, Any],
    ),
    Endpoint(
        method="GET",
        path="/api/x/search",
        summary="The tasks of any queue that match a filter.",
        handle=search,
        query=(
            QUERY,
            Parameter(
                name="limit",
                meaning="How many tasks are found, at most 1,000.",
                kind="integer",
                default=30,
            ),
            SCAN,
            Parameter(name="cursor", meaning="Of the answer before, to go on."),
        ),
        answer=dict[str, Any],
        failures=BAD,
    ),
    Endpoint(
        method="GET",
        path="/api/x/errors",
        summary="Tasks that are retried or archived, grouped by what went wrong.",
        handle=show_errors,
        query=(
            QUERY,
            SCAN,
            Parameter(
                name="most",
                meaning="How many groups, at most 1,000; the rest is one more.",
                kind="integer",
                default=100,
            ),
        ),
        answer=dict[str, Any],
        failures=BAD,
    ),
)
