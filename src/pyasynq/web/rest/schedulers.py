"""Periodic tasks, as asynqmon shows them. asynqmon v0.7.2 scheduler_entry_handlers.go."""

from dataclasses import dataclass

import msgspec
from starlette.responses import Response

from pyasynq.inspector import SchedulerEntry
from pyasynq.web.formatting import Formatters
from pyasynq.web.questions import PAGING, page_of
from pyasynq.web.rest import shapes
from pyasynq.web.rest.answers import answer
from pyasynq.web.rest.go_text import ZERO_TIME, time_in_seconds
from pyasynq.web.routing import Call, Endpoint


@dataclass(frozen=True, slots=True)
class SchedulerRoutes:
    """The routes of schedulers.

    Args:
        formatters: how payloads are shown.
    """

    formatters: Formatters

    async def list_(self, call: Call) -> Response:
        """Answer with all entries."""
        found = await call.service.installation.scheduler_entries()
        return answer(shapes.Entries([self._shape(each) for each in found]))

    async def events(self, call: Call) -> Response:
        """Answer with what an entry has enqueued."""
        page, size = page_of(call)
        found = await call.service.installation.enqueue_events(
            call.names["entry_id"], page=page, page_size=max(size, 1)
        )
        return answer(
            shapes.Events(
                [
                    shapes.Event(each.task_id, time_in_seconds(each.enqueued_at, unknown=ZERO_TIME))
                    for each in found[:size]
                ]
            )
        )

    def _shape(self, entry: SchedulerEntry) -> shapes.Entry:
        return shapes.Entry(
            id=entry.id,
            spec=entry.spec,
            task_type=entry.task_type,
            task_payload=self.formatters.of_payload(entry.task_type, entry.payload),
            options=entry.options,
            next_enqueue_at=time_in_seconds(entry.next_enqueue_at, unknown=ZERO_TIME),
            prev_enqueue_at=time_in_seconds(entry.previous_enqueue_at) or msgspec.UNSET,
        )


def scheduler_endpoints(formatters: Formatters) -> tuple[Endpoint, ...]:
    """Return what is answered about schedulers."""
    routes = SchedulerRoutes(formatters)
    return (
        Endpoint(
            method="GET",
            path="/api/scheduler_entries",
            summary="The entries of all schedulers that are alive.",
            handle=routes.list_,
            answer=shapes.Entries,
        ),
        Endpoint(
            method="GET",
            path="/api/scheduler_entries/{entry_id}/enqueue_events",
            summary="What an entry has enqueued, the latest first; nothing of an unknown entry.",
            handle=routes.events,
            query=PAGING,
            answer=shapes.Events,
        ),
    )
