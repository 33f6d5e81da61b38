"""Builders with defaults: a test names only what it is about."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import redis

from pyasynq.broker.new_tasks.prepare import PreparedTask, prepare
from pyasynq.broker.operations.dequeue import Leased
from pyasynq.broker.operations.finish import Fence
from pyasynq.broker.operations.task_lists import ListedTask
from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.clock import Clock, SystemClock
from pyasynq.connection.connector import Connector
from pyasynq.inspector.found_task import FoundTask
from pyasynq.lifecycle.outage import Outage
from pyasynq.lifecycle.shutdown import ShutdownBudget
from pyasynq.options import EnqueueOptions
from pyasynq.scheduler.entry import Entry
from pyasynq.scheduler.resources import SchedulerResources
from pyasynq.task import Task, TaskState
from pyasynq.tracing import Tracing
from pyasynq.wire.keys import QueueKeys, queue_keys
from pyasynq.wire.message import TaskMessage, encode
from pyasynq.worker.attempt.running_task import RunningTask
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.resources import ServerResources

NOW_NS = 2_000_000_000_500_000_000
NOWHERE = "redis://127.0.0.1:1"
LONG_AGO_S = 1_000


def make_message(**fields: Any) -> TaskMessage:
    values: dict[str, Any] = {"id": "a", "type": "email", "queue": "mail", "retry": 3, **fields}
    return TaskMessage(**values)


def make_data(**fields: Any) -> bytes:
    return encode(make_message(**fields))


def make_found(state: str = "archived", task_id: str = "a", **fields: Any) -> FoundTask:
    """Make a task as a walk finds it; the fields are those of `ListedTask` or of the message."""
    listed = {
        name: fields.pop(name, None)
        for name in ("result", "score", "due_ns", "pending_since_ns", "data")
    }
    data = listed.pop("data")
    queue = fields.get("queue", "mail")
    found = ListedTask(
        task_id=task_id,
        data=make_data(id=task_id, **fields) if data is None else data,
        state=state,
        **listed,
    )
    return FoundTask(queue, TaskState(state), found, NOW_NS)


def make_keys(queue: str = "mail") -> QueueKeys:
    return queue_keys(queue)


def make_prepared(
    task_id: str = "a", *, task: Task | None = None, now_ns: int = NOW_NS, **options: Any
) -> PreparedTask:
    return prepare(
        task or Task("email", b"{}"),
        EnqueueOptions(task_id=task_id, **options),
        make_keys(options.get("queue") or "mail"),
        now_ns=now_ns,
        new_id=lambda: "new",
    )


def make_running(task_id: str = "a", **fields: Any) -> RunningTask:
    message = make_message(id=task_id)
    values: dict[str, Any] = {
        "message": message,
        "keys": make_keys(),
        "key": (make_keys().queue, task_id),
        "fence": Fence(owner="me"),
        "leased": Leased(task_id=task_id, data=encode(message)),
        "started_ns": 0,
        "deadline_ns": 0,
        "ends_at": 0.0,
        "lease_until_s": 0,
        **fields,
    }
    return RunningTask(**values)


def make_resources(runner: Any = None, *, url: str = NOWHERE, **fields: Any) -> ServerResources:
    """Make what components share; *url* is for those that open connections of their own."""
    values: dict[str, Any] = {
        "config": ServerConfig(),
        "clock": SystemClock(),
        "connector": Connector.of(url),
        "runner": runner,
        "server_id": "me",
        **fields,
    }
    return ServerResources(**values)


def make_active(
    client: redis.Redis,
    *task_ids: str,
    keys: QueueKeys | None = None,
    data: bytes | None = None,
    lease_s: int = LONG_AGO_S,
    **fields: Any,
) -> None:
    """Make tasks active in Redis; without *lease_s* their lease is over, their worker gone."""
    keys = keys or make_keys()
    for task_id in task_ids:
        message = make_data(id=task_id, queue=keys.queue) if data is None else data
        client.hset(keys.task(task_id), mapping={"msg": message, "state": "active", **fields})
        client.lpush(keys.active, task_id)
        client.zadd(keys.lease, {task_id: lease_s})


def make_scheduler_resources(
    url: str, clock: Clock, entries: Mapping[str, Entry], *, tracing: Tracing | None = None
) -> SchedulerResources:
    """Return what the components of a scheduler called "shop" work with."""
    connector = Connector.of(url)
    return SchedulerResources(
        name="shop",
        id=f"host:1:{uuid4()}",
        namespace=connector.namespace,
        clock=clock,
        runner=AsyncRunner(connector.open_async(), clock=clock),
        entries=entries,
        outage=Outage(monotonic=clock.monotonic),
        budget=ShutdownBudget(),
        is_cluster=connector.is_cluster,
        tracing=tracing,
    )
