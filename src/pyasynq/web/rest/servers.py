"""Servers, as asynqmon shows them. asynqmon v0.7.2 server_handlers.go."""

from dataclasses import dataclass

from starlette.responses import Response

from pyasynq.inspector import ServerInfo
from pyasynq.web.formatting import Formatters
from pyasynq.web.rest import shapes
from pyasynq.web.rest.answers import answer
from pyasynq.web.rest.go_text import ZERO_TIME, time_in_seconds
from pyasynq.web.routing import Call, Endpoint


@dataclass(frozen=True, slots=True)
class ServerRoutes:
    """The route of servers.

    Args:
        formatters: how payloads are shown.
    """

    formatters: Formatters

    async def list_(self, call: Call) -> Response:
        """Answer with all servers that are alive."""
        found = await call.service.installation.servers()
        return answer(shapes.Servers([self._shape(each) for each in found]))

    def _shape(self, server: ServerInfo) -> shapes.Server:
        return shapes.Server(
            id=server.id,
            host=server.host,
            pid=server.pid,
            concurrency=server.concurrency,
            queue_priorities=server.queues,
            strict_priority_enabled=server.strict_priority,
            start_time=time_in_seconds(server.started_at, unknown=ZERO_TIME),
            status=server.status,
            active_workers=[
                shapes.Worker(
                    task_id=each.task_id,
                    queue=each.queue,
                    task_type=each.task_type,
                    task_payload=self.formatters.of_payload(each.task_type, each.payload),
                    start_time=time_in_seconds(each.started_at, unknown=ZERO_TIME),
                )
                for each in server.active_workers
            ],
        )


def server_endpoints(formatters: Formatters) -> tuple[Endpoint, ...]:
    """Return what is answered about servers."""
    return (
        Endpoint(
            method="GET",
            path="/api/servers",
            summary="The servers that are alive, and what they run.",
            handle=ServerRoutes(formatters).list_,
            answer=shapes.Servers,
        ),
    )
