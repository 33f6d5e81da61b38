"""Redis, as asynqmon shows it. asynqmon v0.7.2 redis_info_handlers.go."""

from starlette.responses import Response

from pyasynq.web.rest import shapes
from pyasynq.web.rest.answers import answer
from pyasynq.web.routing import Call, Endpoint


async def get_redis_info(call: Call) -> Response:
    """Answer with what Redis reports about itself."""
    report = await call.service.installation.redis()
    locations = None
    if report.locations:
        locations = [
            shapes.Location(each.queue, each.slot, each.nodes) for each in report.locations
        ]
    return answer(
        shapes.RedisInfo(
            address=report.address,
            info=fields_of(report.text),
            raw_info=report.text,
            cluster=report.nodes is not None,
            raw_cluster_nodes=report.nodes or "",
            queue_locations=locations,
        )
    )


def fields_of(text: str) -> dict[str, str]:
    """Return the fields of INFO: of lines with exactly one colon, as asynqmon reads them."""
    lines = (line.split(":") for line in text.split("\r\n"))
    return {line[0]: line[1] for line in lines if len(line) == 2}  # noqa: PLR2004 - name and value


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/redis_info",
        summary="What Redis reports about itself; for a cluster, also its nodes and queues.",
        handle=get_redis_info,
        answer=shapes.RedisInfo,
    ),
)
