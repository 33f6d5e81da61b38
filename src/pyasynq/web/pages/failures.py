"""Failures, grouped by the type of the tasks and by what went wrong."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.responses import Response

from pyasynq.admin.failures_async import STATES
from pyasynq.admin.filters import Filter, Term, all_of
from pyasynq.admin.signatures import FailureGroup
from pyasynq.clock import to_datetime
from pyasynq.errors import FilterError, QueueNotFoundError
from pyasynq.web.pages.forms import asked
from pyasynq.web.pages.rendering import rendered
from pyasynq.web.pages.search_query import Wanted, marked, wanted_of
from pyasynq.web.pages.tables import page_of, sorted_by
from pyasynq.web.pages.view import view_of
from pyasynq.web.questions import number
from pyasynq.web.refusal import refusal_of
from pyasynq.web.routing import Call, Endpoint

SCANNED = 10_000  # tasks that one page looks at, unless it is asked for more
MOST_SCANNED = 100_000
MOST_GROUPS = 1000

_KEYS: Mapping[str, Callable[["Row"], Any]] = {
    "error": lambda row: row.group.signature,
    "type": lambda row: row.group.type,
    "count": lambda row: row.group.count,
    "newest": lambda row: row.group.newest_ns or 0,
    "oldest": lambda row: row.group.oldest_ns or 0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Failures of one kind.

    Attributes:
        group: the failures.
        query: a filter that finds exactly these tasks; empty for those of no group.
        newest, oldest: when the latest and the oldest of them failed; None if that is not known.
    """

    group: FailureGroup
    query: str
    newest: datetime | None
    oldest: datetime | None


def row_of(group: FailureGroup, wanted: Filter) -> Row:
    """Return a group with the filter that finds its tasks.

    Args:
        group: the failures.
        wanted: the filter of the page.
    """
    kind = (
        wanted,
        Term("state", ":", tuple(each.value for each in STATES)),
        Term("type", "=", (group.type,)),
        Term("fingerprint", "=", (group.fingerprint,)),
    )
    return Row(
        group=group,
        query=str(all_of(kind)) if group.fingerprint else "",
        newest=None if group.newest_ns is None else to_datetime(group.newest_ns),
        oldest=None if group.oldest_ns is None else to_datetime(group.oldest_ns),
    )


async def show_failures(call: Call) -> Response:
    """Show what went wrong, the most frequent first."""
    wanted = wanted_of(asked(call))
    scan = number(call, "scan", SCANNED, least=1, most=MOST_SCANNED)
    try:
        query = wanted.filter()
        report = await call.service.troubles.failures(str(query), scan=scan, most=MOST_GROUPS)
    except (FilterError, QueueNotFoundError) as error:
        return await _refused(call, wanted, error)
    sort, rows = sorted_by(
        call, [row_of(each, query) for each in report.groups], _KEYS, default="-count"
    )
    part = page_of(call, rows, view_of(call).prefers.rows)
    everything = all_of((query, Term("state", ":", tuple(each.value for each in STATES))))
    return rendered(
        call,
        "failures.html",
        section="failures",
        wanted=wanted,
        refusal=None,
        mistake=None,
        report=report,
        rows=part.rows,
        page=part.number,
        pages=part.count,
        sort=sort,
        most=max((each.count for each in report.groups), default=0),
        everything=str(everything),
        further=MOST_SCANNED if scan < MOST_SCANNED else None,
    )


async def _refused(call: Call, wanted: Wanted, error: FilterError | QueueNotFoundError) -> Response:
    refusal = refusal_of(error)
    mistake = marked(error.query, error.column) if isinstance(error, FilterError) else None
    return rendered(
        call,
        "failures.html",
        section="failures",
        status=refusal.status,
        wanted=wanted,
        refusal=refusal,
        mistake=mistake,
        report=None,
    )


PAGES: Sequence[Endpoint] = (
    Endpoint(
        method="GET",
        path="/failures",
        summary="Tasks that are retried or archived, grouped by what went wrong.",
        handle=show_failures,
    ),
)
