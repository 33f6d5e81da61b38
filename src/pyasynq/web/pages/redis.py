"""Redis itself."""

from collections.abc import Callable, Mapping
from typing import Any

from starlette.responses import Response

from pyasynq.web.pages.findings import told
from pyasynq.web.pages.redis_facts import (
    cluster_facts_of,
    facts_of,
    nodes_of,
    replicas_of,
    sections_of,
)
from pyasynq.web.pages.rendering import rendered
from pyasynq.web.pages.tables import page_of, sorted_by
from pyasynq.web.pages.view import view_of
from pyasynq.web.routing import Call, Endpoint
from pyasynq.web.service.installation import QueueLocation, fields_of

_KEYS: Mapping[str, Callable[[QueueLocation], Any]] = {
    "queue": lambda each: each.queue,
    "slot": lambda each: (each.slot, each.queue),
    "nodes": lambda each: (each.nodes, each.queue),
}


async def show_redis(call: Call) -> Response:
    """Show what Redis reports about itself."""
    overview = await call.service.installation.redis_overview()
    seen = view_of(call)
    report = overview.report
    text = report.text if report else ""
    info = fields_of(text)
    is_cluster = overview.kind == "cluster"
    locations = report.locations or () if report else ()
    sort, ordered = sorted_by(call, locations, _KEYS, default="queue")
    part = page_of(call, ordered, seen.prefers.rows)
    return rendered(
        call,
        "redis.html",
        section="redis",
        overview=overview,
        addresses=overview.address.split(","),
        findings=told([each for each in overview.findings if each.severity != "info"], seen),
        facts=cluster_facts_of(info) if is_cluster else facts_of(info, seen.figures),
        replicas=replicas_of(info),
        nodes=nodes_of(report.nodes or "") if report else (),
        nodes_text=report.nodes or "" if report else "",
        sections=sections_of(text),
        locations=part.rows,
        page=part.number,
        pages=part.count,
        total=len(locations),
        sort=sort,
    )


PAGES = (
    Endpoint(
        method="GET",
        path="/redis",
        summary="What Redis reports about itself.",
        handle=show_redis,
    ),
)
