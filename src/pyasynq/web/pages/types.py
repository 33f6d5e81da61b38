"""Task types: who handles them, what was done of them in the last hour, and how it failed."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from starlette.responses import Response

from pyasynq.admin.filters import Term
from pyasynq.errors import ConfigError, PyasynqError
from pyasynq.inspector import ServerInfo, TypeInfo
from pyasynq.web.pages.rendering import rendered
from pyasynq.web.pages.tables import page_of, sorted_by
from pyasynq.web.pages.type_charts import SHARES, counts_chart, run_chart, small_chart, wait_chart
from pyasynq.web.pages.view import view_of
from pyasynq.web.refusal import Refusal
from pyasynq.web.routing import Call, Endpoint

SCANNED = 2000  # tasks that are looked at for the failures of one type
MOST_KINDS = 10  # of failures
ANY_TEXT = "*"  # at the end of a type: all that begin so


def _percentile(part: str, share: str) -> Callable[[TypeInfo], Any]:
    """Return the key by which types are sorted by a time; where none is known, it comes first."""
    return lambda each: getattr(getattr(each.counts, part), share) or timedelta(-1)


_KEYS: Mapping[str, Callable[[TypeInfo], Any]] = {
    "type": lambda each: each.type,
    "servers": lambda each: each.servers,
    "count": lambda each: each.counts.count,
    "failures": lambda each: each.counts.failures,
    "rate": lambda each: each.counts.failures / each.counts.count if each.counts.count else 0.0,
    **{f"run_{share}": _percentile("run", share) for share in SHARES},
    **{f"wait_{share}": _percentile("waiting", share) for share in SHARES},
}


async def show_types(call: Call) -> Response:
    """Show the task types that are known."""
    types = await call.service.history.types()
    sort, ordered = sorted_by(call, types, _KEYS, default="type")
    part = page_of(call, ordered, view_of(call).prefers.rows)
    return rendered(
        call,
        "types.html",
        section="types",
        types=part.rows,
        page=part.number,
        pages=part.count,
        total=len(types),
        is_counted=any(each.counts.count for each in types),
        sort=sort,
    )


async def show_type(call: Call) -> Response:
    """Show what was done of one task type."""
    task_type = call.names["type"]
    try:
        stats = await call.service.history.type_stats(task_type)
    except ConfigError as error:
        raise Refusal(400, str(error)) from error
    servers = await call.service.installation.servers()
    seen = view_of(call)
    query = str(Term("type", "=", (task_type,)))
    return rendered(
        call,
        "type.html",
        section="types",
        stats=stats,
        servers=[each for each in servers if handles(each, task_type)],
        query=query,
        **await _failures(call, query),
        charts=[
            ("counts", counts_chart(stats.minutes, seen)),
            ("run", run_chart(stats.minutes, seen)),
            ("wait", wait_chart(stats.minutes, seen)),
        ]
        if stats.counts.count
        else [],
        queues=[(each, small_chart(each.minutes, seen)) for each in stats.queues],
    )


def handles(server: ServerInfo, task_type: str) -> bool:
    """Return whether a server tells that it handles a type."""
    return any(
        task_type.startswith(each.removesuffix(ANY_TEXT))
        if each.endswith(ANY_TEXT)
        else task_type == each
        for each in server.task_types or ()
    )


async def _failures(call: Call, query: str) -> Mapping[str, Any]:
    """Return the failures of a type by what went wrong; why not, if they cannot be read."""
    try:
        report = await call.service.troubles.failures(query, scan=SCANNED, most=MOST_KINDS)
    except PyasynqError as error:
        return {"failures": None, "failed": str(error)}
    return {"failures": report, "failed": ""}


PAGES: Sequence[Endpoint] = (
    Endpoint(
        method="GET",
        path="/types",
        summary="Task types, and what was done of them in the last hour.",
        handle=show_types,
    ),
    Endpoint(
        method="GET",
        path="/types/{type}",
        summary="What was done of one task type, minute by minute, and how it failed.",
        handle=show_type,
    ),
)
