"""What tests of events share."""

from datetime import UTC, datetime

from pyasynq.events.event import (
    PERIODIC_EVENTS,
    TASK_EVENTS,
    WORKER_EVENTS,
    Event,
    PeriodicEvent,
    TaskEvent,
    WorkerEvent,
)
from pyasynq.task import Task
from pyasynq.worker.handlers.mux import ServeMux


def make_mux(handler, *listeners, names=TASK_EVENTS):
    mux = ServeMux()
    mux.add("email", handler)
    for listener in listeners:
        mux.listeners.register(tuple(names))(listener)
    return mux


def recorder(names):
    async def record(event):
        names.append(event.name)

    return record


async def succeed(ctx, task):
    return None


def keeper(events):
    """Return a listener that keeps the events themselves."""

    async def keep(event):
        events.append(event)

    return keep


NINE = datetime(2025, 1, 6, 9, tzinfo=UTC)


def make_event(name) -> Event:
    """Return an event called *name*, with dicts of its own."""
    if name in WORKER_EVENTS:
        return WorkerEvent(
            name=name,
            server_id="s1",
            host="box",
            pid=1,
            queues={"default": 1},
            concurrency=1,
            version="1",
            at=NINE,
            started_at=NINE,
            counts={},
        )
    task = Task("email", b"{}", headers={"a": "b"})
    if name in PERIODIC_EVENTS:
        return PeriodicEvent(
            name=name,
            scheduler="shop",
            scheduler_id="p1",
            entry_id="e1",
            key=None,
            spec="@daily",
            task=task,
            queue="default",
            due_at=NINE,
            at=NINE,
        )
    return TaskEvent(
        name=name,
        task=task,
        task_id="5f0c",
        queue="default",
        attempt=1,
        max_retry=0,
        at=NINE,
        server_id="s1",
    )
