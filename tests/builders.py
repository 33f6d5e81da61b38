"""Builders with defaults: a test names only what it is about."""

from typing import Any

from pyasynq.broker.prepare import Prepared, prepare
from pyasynq.options import EnqueueOptions
from pyasynq.task import Task
from pyasynq.wire.keys import QueueKeys, queue_keys
from pyasynq.wire.message import TaskMessage, encode

NOW_NS = 2_000_000_000_500_000_000


def make_message(**fields: Any) -> TaskMessage:
    values: dict[str, Any] = {"id": "a", "type": "email", "queue": "mail", "retry": 3, **fields}
    return TaskMessage(**values)


def make_data(**fields: Any) -> bytes:
    return encode(make_message(**fields))


def make_keys(queue: str = "mail") -> QueueKeys:
    return queue_keys(queue)


def make_prepared(
    task_id: str = "a", *, task: Task | None = None, now_ns: int = NOW_NS, **options: Any
) -> Prepared:
    return prepare(
        task or Task("email", b"{}"),
        EnqueueOptions(task_id=task_id, **options),
        make_keys(),
        now_ns=now_ns,
        new_id=lambda: "new",
    )
