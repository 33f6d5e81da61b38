"""Servers that are alive, and what they run."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.responses import Response

from pyasynq.inspector import ServerInfo
from pyasynq.web.pages.figures import EARLIEST
from pyasynq.web.pages.rendering import rendered
from pyasynq.web.pages.tables import page_of, sorted_by
from pyasynq.web.pages.view import view_of
from pyasynq.web.routing import Call, Endpoint

MOST_TYPES = 200  # that are named of one server
MOST_QUEUES = 12  # that are named in its row

_KEYS: Mapping[str, Callable[[ServerInfo], Any]] = {
    "host": lambda each: (each.host, each.pid),
    "started": lambda each: each.started_at or EARLIEST,
    "status": lambda each: each.status,
    "queues": lambda each: len(each.queues),
    "active": lambda each: each.active_worker_count,
}


async def show_servers(call: Call) -> Response:
    """Show all servers that are alive."""
    servers = await call.service.installation.servers()
    sort, ordered = sorted_by(call, servers, _KEYS, default="host")
    part = page_of(call, ordered, view_of(call).prefers.rows)
    return rendered(
        call,
        "servers.html",
        section="servers",
        servers=part.rows,
        page=part.number,
        pages=part.count,
        total=len(servers),
        active=sum(each.active_worker_count for each in servers),
        slots=sum(each.concurrency for each in servers),
        sort=sort,
        priorities=priorities,
        most_types=MOST_TYPES,
        most_queues=MOST_QUEUES,
    )


def priorities(server: ServerInfo) -> Sequence[tuple[str, int]]:
    """Return the queues of a server with their priorities, the highest first."""
    return sorted(server.queues.items(), key=lambda each: (-each[1], each[0]))


PAGES = (
    Endpoint(
        method="GET",
        path="/servers",
        summary="Servers that are alive, and what they run.",
        handle=show_servers,
    ),
)
