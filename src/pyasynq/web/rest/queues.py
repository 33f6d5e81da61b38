"""Queues, as asynqmon shows them. asynqmon v0.7.2 queue_handlers.go and group_handlers.go."""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache

import msgspec
from starlette.responses import Response

from pyasynq.clock import MICROSECOND
from pyasynq.inspector import DailyStats, GroupInfo, QueueInfo
from pyasynq.web.rest import shapes
from pyasynq.web.rest.answers import answer, nothing
from pyasynq.web.rest.go_text import exact_time, rounded_duration
from pyasynq.web.routing import Call, Endpoint

DAYS_OF_ONE = 10
DAYS_OF_ALL = 90


async def list_queues(call: Call) -> Response:
    """Answer with all queues."""
    infos = await call.service.queues.infos()
    return answer(shapes.Queues([queue(each) for each in infos]))


async def get_queue(call: Call) -> Response:
    """Answer with one queue."""
    name = call.names["queue"]
    info = await call.service.queues.info(name)
    history = await call.service.queues.history(name, DAYS_OF_ONE)
    return answer(shapes.QueueWithHistory(queue(info), days(history)))


async def list_stats(call: Call) -> Response:
    """Answer with what all queues did."""
    found = await call.service.queues.histories(DAYS_OF_ALL)
    return answer(shapes.Stats({name: days(history) for name, history in found.items()}))


async def list_groups(call: Call) -> Response:
    """Answer with the groups of a queue."""
    name = call.names["queue"]
    found = await call.service.queues.groups(name)
    info = await call.service.queues.info(name)
    return answer(shapes.Groups(queue(info), groups(found)))


async def delete_queue(call: Call) -> Response:
    """Delete a queue that is empty."""
    await call.service.queues.delete(call.names["queue"])
    return nothing()


async def pause_queue(call: Call) -> Response:
    """Pause a queue."""
    await call.service.queues.pause(call.names["queue"])
    return nothing()


async def resume_queue(call: Call) -> Response:
    """End the pause of a queue."""
    await call.service.queues.resume(call.names["queue"])
    return nothing()


def queue(info: QueueInfo) -> shapes.Queue:
    """Return a queue in asynqmon's shape."""
    return shapes.Queue(
        queue=info.queue,
        memory_usage_bytes=info.memory_usage or 0,
        size=info.size,
        groups=info.groups,
        latency_msec=info.latency // (1000 * MICROSECOND),
        display_latency=rounded_duration(info.latency),
        active=info.active,
        pending=info.pending,
        aggregating=info.aggregating,
        scheduled=info.scheduled,
        retry=info.retry,
        archived=info.archived,
        completed=info.completed,
        processed=info.processed,
        succeeded=info.processed - info.failed,
        failed=info.failed,
        paused=info.is_paused,
        timestamp=exact_time(info.timestamp),
        error=info.error or msgspec.UNSET,
    )


def days(history: Sequence[DailyStats]) -> list[shapes.Day]:
    """Return what a queue did in asynqmon's shape."""
    return [
        shapes.Day(
            queue=each.queue,
            processed=each.processed,
            succeeded=each.processed - each.failed,
            failed=each.failed,
            date=_in_iso(each.date),
        )
        for each in history
    ]


_in_iso = lru_cache(maxsize=1000)(date.isoformat)  # a thousand queues have the same days


def groups(found: Sequence[GroupInfo]) -> list[shapes.Group]:
    """Return groups in asynqmon's shape."""
    return [shapes.Group(each.group, each.size) for each in found]


ENDPOINTS = (
    Endpoint(
        method="GET",
        path="/api/queues",
        summary="All queues.",
        handle=list_queues,
        answer=shapes.Queues,
    ),
    Endpoint(
        method="GET",
        path="/api/queues/{queue}",
        summary="A queue, and what it did on each of the last ten days.",
        handle=get_queue,
        answer=shapes.QueueWithHistory,
        failures={404: "there is no such queue"},
    ),
    Endpoint(
        method="DELETE",
        path="/api/queues/{queue}",
        summary="Delete a queue that is empty.",
        handle=delete_queue,
        action="delete queue",
        failures={404: "there is no such queue", 400: "it is not empty"},
    ),
    Endpoint(
        method="POST",
        path="/api/queues/{queue}:pause",
        summary="Let workers take no more tasks from a queue.",
        handle=pause_queue,
        action="pause",
        failures={404: "there is no such queue", 409: "it is paused already"},
    ),
    Endpoint(
        method="POST",
        path="/api/queues/{queue}:resume",
        summary="End the pause of a queue.",
        handle=resume_queue,
        action="resume",
        failures={409: "it is not paused, or there is no such queue"},
    ),
    Endpoint(
        method="GET",
        path="/api/queue_stats",
        summary="What every queue did on each of the last 90 days.",
        handle=list_stats,
        answer=shapes.Stats,
    ),
    Endpoint(
        method="GET",
        path="/api/queues/{queue}/groups",
        summary="The groups of a queue.",
        handle=list_groups,
        answer=shapes.Groups,
        failures={404: "there is no such queue"},
    ),
)
