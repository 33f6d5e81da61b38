"""What workers, servers and schedulers do to Redis meanwhile, by raw commands as Go's own.

Each step does what it can, and nothing if there is no task for it. A pick is the number of a task
among those that there are, and begins anew at the end of them.
"""

from collections.abc import Callable, Sequence
from hashlib import sha1
from typing import Any

import msgspec
import redis

from pyasynq.wire import records
from pyasynq.wire.keys import QueueKeys, global_keys, queue_keys
from pyasynq.wire.message import TaskMessage, decode, encode
from tests.interop.differential.steps import BLANK, ENTRIES

DAY_S = 86_400
LONG_S = 100 * DAY_S
GARBAGE = b"\xff\xff"


class WorkerSteps:
    """Makes the steps in one database.

    Args:
        raw: a client of it.
        base_s: when the sequence began.
        now_s: what the clock shows.
    """

    def __init__(self, raw: redis.Redis, base_s: int, now_s: Callable[[], int]) -> None:
        self._raw = raw
        self._base_s = base_s
        self._now_s = now_s

    def make(self, name: str, **given: Any) -> None:
        if given.get("queue") != BLANK:
            getattr(self, name)(**given)

    def take(self, queue: str, count: int, lease: int) -> None:
        """Dequeue the oldest pending tasks."""
        keys = queue_keys(queue)
        for _ in range(count):
            taken = self._raw.rpoplpush(keys.pending, keys.active)
            if taken is None:
                return
            task_id = taken.decode()
            if self._raw.hget(keys.task(task_id), "msg") is None:
                self._raw.lrem(keys.active, 0, task_id)
                continue
            self._raw.hset(keys.task(task_id), "state", "active")
            self._raw.hdel(keys.task(task_id), "pending_since")
            self._raw.zadd(keys.lease, {task_id: self._base_s + lease})

    def end(self, queue: str, pick: int, how: str) -> None:
        """End the attempt of an active task."""
        keys = queue_keys(queue)
        task_id = self._pick(keys, self._raw.lrange(keys.active, 0, -1), pick)
        if task_id is None:
            return
        self._raw.lrem(keys.active, 0, task_id)
        self._raw.zrem(keys.lease, task_id)
        data = self._raw.hget(keys.task(task_id), "msg")
        message = decode(b"" if data == GARBAGE else data)
        match "requeued" if data == GARBAGE else how:
            case "requeued":
                self._raw.rpush(keys.pending, task_id)
                self._raw.hset(keys.task(task_id), "state", "pending")
                return
            case "retry" | "archived":
                self._fail(keys, message, task_id, how)
            case "completed":
                self._complete(keys, message, task_id)
            case _:
                self._raw.delete(keys.task(task_id))
                self._unlock(message, task_id)
        self._raw.incr(keys.processed_on(self._now_s()))
        self._raw.incr(keys.processed)

    def work(self, queue: str, count: int, how: str) -> None:
        """Dequeue the oldest pending tasks, and end as many active ones."""
        self.take(queue, count, 3_600)
        for _ in range(count):
            self.end(queue, 0, how)

    def write_result(self, queue: str, pick: int) -> None:
        keys = queue_keys(queue)
        task_id = self._pick(keys, self._raw.lrange(keys.active, 0, -1), pick)
        if task_id is not None:
            self._raw.hset(keys.task(task_id), "result", b"half \xff")

    def wait_long(self, queue: str, pick: int) -> None:
        """The oldest pending task has waited for an hour."""
        keys = queue_keys(queue)
        for task_id in self._raw.lrange(keys.pending, -1, -1):
            since_ns = (self._base_s - 3_600) * 10**9
            if self._raw.exists(keys.task(task_id.decode())):
                self._raw.hset(keys.task(task_id.decode()), "pending_since", since_ns)

    def grow_old(self, queue: str, pick: int) -> None:
        """Tasks of the archive become older than what an archive keeps."""
        keys = queue_keys(queue)
        for age, task_id in enumerate(self._raw.zrange(keys.archived, 0, pick)):
            self._raw.zadd(keys.archived, {task_id: self._base_s - LONG_S - age})

    def damage(self, queue: str, pick: int, how: str) -> None:
        """The hash of a task is evicted, or its message is lost or overwritten.

        Only of a task whose ID was made up: another one with this ID could be enqueued later.
        """
        keys = queue_keys(queue)
        tasks = sorted(
            key
            for key in self._raw.scan_iter(match=f"{keys.task_prefix}*")
            if len(key) > len(keys.task_prefix.encode()) + 30
            and self._raw.hget(key, "state") != b"active"
        )
        if not tasks:
            return
        key = tasks[pick % len(tasks)]
        match how:
            case "task is gone":
                self._raw.delete(key)
            case "message is gone":
                self._raw.hdel(key, "msg")
            case _:
                self._raw.hset(key, "msg", GARBAGE)

    def unlock(self, queue: str, pick: int) -> None:
        """A unique lock expires."""
        keys = queue_keys(queue)
        locks = sorted(self._raw.scan_iter(match=f"{keys.unique_prefix}*"))
        if locks:
            self._raw.delete(locks[pick % len(locks)])

    def aggregate(self, queue: str, pick: int, group: str) -> None:
        """Begin to aggregate the first members of a group, at most pick + 1."""
        keys = queue_keys(queue)
        found = self._raw.zrange(keys.group(group), 0, pick, withscores=True)
        if not found:
            return
        set_id = sha1(b"".join(task_id for task_id, _ in found), usedforsecurity=False).hexdigest()
        set_key = keys.aggregation_set(group, set_id)
        self._raw.zadd(set_key, dict(found))
        self._raw.zadd(keys.aggregation_sets, {set_key: self._base_s + 3_600})
        self._raw.zremrangebyrank(keys.group(group), 0, len(found) - 1)
        if not self._raw.zcard(keys.group(group)):
            self._raw.srem(keys.groups, group)

    def count(self, queue: str, pick: int) -> None:
        """Count something on the day before."""
        keys = queue_keys(queue)
        self._raw.incrby(keys.processed_on(self._now_s() - DAY_S), pick + 1)
        self._raw.incrby(keys.failed_on(self._now_s() - DAY_S), pick)

    def show_server(self, number: int, lives: int) -> None:
        keys, host, server_id = global_keys(), "host", f"server-{number}"
        server = records.ServerRecord(
            host=host,
            pid=number,
            server_id=server_id,
            concurrency=10,
            queues={"default": 1, "low": 3},
            status="active",
            started_ns=self._base_s * 10**9,
            active_worker_count=number,
        )
        place = host, number, server_id
        self._raw.set(keys.server(*place), records.encode_server(server))
        self._raw.zadd(keys.servers, {keys.server(*place): self._base_s + lives})
        self._raw.zadd(keys.workers, {keys.server_workers(*place): self._base_s + lives})
        for index in range(number):
            worker = records.WorkerRecord(
                host=host,
                pid=number,
                server_id=server_id,
                task_id=f"running-{index}",
                task_type="email",
                task_payload=b"{}",
                queue="default",
                started_ns=(self._base_s - index) * 10**9,
                deadline_ns=(self._base_s + 60) * 10**9,
            )
            data = records.encode_worker(worker)
            self._raw.hset(keys.server_workers(*place), f"running-{index}", data)

    def show_scheduler(self, number: int, lives: int) -> None:
        keys, scheduler_id = global_keys(), f"scheduler-{number}"
        entries = [
            records.SchedulerEntryRecord(
                id=entry_id,
                spec="@every 1m",
                task_type="email",
                task_payload=b"",
                enqueue_options=('Queue("low")', "MaxRetry(3)", "Timeout(1m0s)"),
                next_enqueue_ns=(self._base_s + 60) * 10**9,
                previous_enqueue_ns=(self._base_s * 10**9) if number else None,
            )
            for entry_id in ENTRIES[:number]
        ]
        key = keys.scheduler_entries(scheduler_id)
        self._raw.delete(key)
        for entry in entries:
            self._raw.rpush(key, records.encode_scheduler_entry(entry))
            event = records.EnqueueEventRecord(
                task_id=f"made-{number}", enqueued_ns=(self._base_s + number) * 10**9
            )
            history = keys.scheduler_history(entry.id)
            self._raw.zadd(history, {records.encode_enqueue_event(event): self._base_s + number})
        self._raw.zadd(keys.schedulers, {key: self._base_s + lives})

    def _pick(self, keys: QueueKeys, ids: Sequence[bytes], pick: int) -> str | None:
        return ids[pick % len(ids)].decode() if ids else None

    def _fail(self, keys: QueueKeys, message: TaskMessage, task_id: str, state: str) -> None:
        failed = msgspec.structs.replace(
            message,
            retried=message.retried + (state == "retry"),
            error_msg="it broke",
            last_failed_at=self._base_s,
        )
        score = self._base_s + 8_000 + message.retried if state == "retry" else self._base_s
        self._raw.zadd(keys.prefix + state, {task_id: score})
        self._raw.hset(keys.task(task_id), mapping={"msg": encode(failed), "state": state})
        self._raw.incr(keys.failed_on(self._now_s()))
        self._raw.incr(keys.failed)

    def _complete(self, keys: QueueKeys, message: TaskMessage, task_id: str) -> None:
        completed = msgspec.structs.replace(message, completed_at=self._base_s)
        expires_s = self._base_s + 10_000 + message.retention
        self._raw.zadd(keys.completed, {task_id: expires_s})
        self._raw.hset(keys.task(task_id), mapping={"msg": encode(completed), "state": "completed"})
        self._unlock(message, task_id)

    def _unlock(self, message: TaskMessage, task_id: str) -> None:
        lock = message.unique_key
        if lock and self._raw.get(lock) == task_id.encode():
            self._raw.delete(lock)


NAMES = frozenset(name for name in vars(WorkerSteps) if not name.startswith("_")) - {"make"}
