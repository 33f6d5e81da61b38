"""Tasks in any state, as they are stored in Redis, without anybody who does the work."""

from typing import Any

import redis

from pyasynq.broker.operations.task_lists import container
from pyasynq.task import TaskState
from tests.support.builders import make_data, make_keys

FAR_S = 4_102_444_800  # 2100-01-01
PAST_S = 1_000_000_000  # 2001-09-09 01:46:40 UTC


def store(
    client: redis.Redis,
    state: str,
    task_id: str,
    *,
    queue: str = "mail",
    group: str = "",
    score: int = FAR_S,
    result: bytes = b"",
    **message: Any,
) -> None:
    """Store a task that is listed in *state*; *message* are the fields of its message."""
    keys = make_keys(queue)
    where = container(keys, TaskState(state), group)
    fields = {"id": task_id, "queue": queue, "payload": b"{}", "group_key": group, **message}
    client.sadd("asynq:queues", queue)
    client.hset(
        keys.task(task_id),
        mapping={"msg": make_data(**fields), "state": state, "result": result},
    )
    if where.kind == "list":
        client.lpush(where.key, task_id)
    else:
        client.zadd(where.key, {task_id: score})
    if group:
        client.sadd(keys.groups, group)
    if state == "active":
        client.zadd(keys.lease, {task_id: score})
