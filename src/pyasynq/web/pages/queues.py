"""All queues at a glance."""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from starlette.responses import Response

from pyasynq.admin.overview import STATES
from pyasynq.inspector import QueueInfo
from pyasynq.web.pages.queue_charts import processed_chart, size_chart
from pyasynq.web.pages.rendering import rendered
from pyasynq.web.pages.tables import page_of, sorted_by
from pyasynq.web.pages.view import view_of
from pyasynq.web.questions import number
from pyasynq.web.routing import Call, Endpoint

MOST_DAYS = 90

_KEYS: Mapping[str, Callable[[QueueInfo], Any]] = {
    "queue": lambda each: each.queue,
    "state": lambda each: (bool(each.error), each.is_paused),
    "size": lambda each: each.size,
    **{state.value: attrgetter(state.value) for state in STATES},
    "memory": lambda each: each.memory_usage or 0,
    "latency": lambda each: each.latency,
    "processed": lambda each: each.processed,
    "failed": lambda each: each.failed,
    "rate": lambda each: each.failed / each.processed if each.processed else 0.0,
}


async def show_queues(call: Call) -> Response:
    """Show all queues, what is in them, and what they have done."""
    days = number(call, "days", 7, least=1, most=MOST_DAYS)
    is_by_memory = call.query.get("sort", "").endswith("memory")
    infos = await call.service.queues.infos(memory=is_by_memory)
    histories = await call.service.queues.histories(days) if days > 1 else {}
    sort, queues = sorted_by(call, infos, _KEYS, default="queue")
    seen = view_of(call)
    part = page_of(call, queues, seen.prefers.rows)
    # To measure the memory of all takes long where there are many; those that are seen are enough.
    rows = part.rows if is_by_memory else await call.service.queues.with_memory(part.rows)
    return rendered(
        call,
        "queues.html",
        section="queues",
        queues=rows,
        page=part.number,
        pages=part.count,
        total=len(infos),
        tasks=sum(each.size for each in infos),
        states=[state.value for state in STATES],
        sort=sort,
        days=days,
        size_chart=size_chart(infos, seen),
        processed_chart=processed_chart(infos, histories, days, seen),
    )


PAGES: Sequence[Endpoint] = (
    Endpoint(
        method="GET",
        path="/",
        summary="All queues at a glance.",
        handle=show_queues,
    ),
)
