# Generated from queue_deletion_async.py by tools/unasync.py: change that file.
"""Deleting a queue with all that belongs to it, in bounded steps.

    paused ─► tasks of each state, group and aggregation set ─► unlisted ─► keys deleted ─► history

The deletion of the keys is atomic and deletes nothing while the queue holds a task: then the queue
is listed again.
"""

from collections.abc import Sequence

from pyasynq.broker.operations import enqueue, groups, inspection, queue_control, task_control
from pyasynq.broker.operations.task_lists import Container, container
from pyasynq.clock import redis_now_s
from pyasynq.errors import PyasynqError, QueueNotEmptyError, StateError
from pyasynq.inspector import pauses
from pyasynq.inspector.bulk import AT_ONCE
from pyasynq.inspector.calls import Calls
from pyasynq.inspector.infos import key_error
from pyasynq.task import TaskState

MOST_ROUNDS = 5  # if others enqueue meanwhile
PAUSE_S = 600
STATES = (
    *(TaskState.PENDING, TaskState.SCHEDULED, TaskState.RETRY, TaskState.ARCHIVED),
    TaskState.COMPLETED,
)


class QueueDeletion:
    """Deletes one queue."""

    def __init__(self, calls: Calls, queue: str) -> None:
        self._calls = calls
        self._queue = queue
        self._keys = calls.keys_of(queue)

    def run(self, *, force: bool) -> None:
        """Delete the queue; see `Queues.delete`."""
        self._check(force=force)
        if force:
            self._pause()
        size = 0
        for _ in range(MOST_ROUNDS if force else 1):
            if force:
                self._delete_tasks()
            size = self._delete_keys()
            if not size:
                self._delete_history()
                return
            self._check(force=force)
        raise QueueNotEmptyError(queue=self._queue, size=size)

    def _check(self, *, force: bool) -> None:
        """Raise an error if tasks run, or if there are tasks that must not be deleted."""
        now_ns = self._calls.clock.redis_now_ns()
        operation = inspection.queue_stats(self._keys, now_ns=now_ns)
        stats = self._calls.run_on(self._queue, operation)
        if stats.unreadable:
            raise PyasynqError(f"queue {self._queue!r} has tasks {key_error(stats.unreadable)}")
        if stats.size and not force:
            raise QueueNotEmptyError(queue=self._queue, size=stats.size)
        if stats.active:
            raise StateError(
                f"queue {self._queue!r} has {stats.active} running tasks, which cannot be deleted; "
                "cancel them, or wait until they have ended",
                state="active",
                allowed=("empty", "not active"),
            )

    def _pause(self) -> None:
        """Pause the queue for a while, unless it is paused."""
        now_s = redis_now_s(self._calls.clock)
        until_s = now_s + PAUSE_S
        details = pauses.PauseDetails(
            reason="the queue is being deleted", until_ns=until_s * 1_000_000_000
        )
        self._calls.run(
            queue_control.pause_queue(
                self._keys,
                now_s=now_s,
                details=pauses.encode(details, now_s),
                until_ms=until_s * 1000,
            )
        )

    def _delete_tasks(self) -> None:
        for state in STATES:
            self._empty(container(self._keys, state))
        # What a killed worker left: its lease tells the ID.
        self._empty(Container(key=self._keys.lease, kind="zset", state=TaskState.ACTIVE))
        for group in self._group_names():
            self._empty(container(self._keys, TaskState.AGGREGATING, group))
        while group_names := self._scheduled_groups():
            for group in group_names:
                self._empty(container(self._keys, TaskState.AGGREGATING, group))
                self._calls.run(queue_control.unlist_scheduled_group(self._keys, group))
        while sets := self._sets():
            for key in sets:
                if key.startswith(self._keys.group_prefix):  # else it is none of ours
                    self._empty(Container(key=key, kind="zset", state=TaskState.AGGREGATING))
                self._calls.run(queue_control.unlist_set(self._keys, key))

    def _empty(self, where: Container) -> None:
        """Delete all tasks of a container, those that come meanwhile included."""
        left = 1
        while left:
            operation = task_control.delete_many(self._keys, where, limit=AT_ONCE)
            left = (self._calls.run(operation)).left

    def _group_names(self) -> Sequence[str]:
        names: list[str] = []
        cursor = 0
        while True:
            operation = groups.list_groups(self._keys, cursor=cursor)
            cursor, some = self._calls.run(operation)
            names += some
            if not cursor:
                return names

    def _scheduled_groups(self) -> Sequence[str]:
        operation = queue_control.list_scheduled_groups(self._keys, limit=AT_ONCE)
        return self._calls.run(operation)

    def _sets(self) -> Sequence[str]:
        return self._calls.run(queue_control.list_sets(self._keys, limit=AT_ONCE))

    def _delete_history(self) -> None:
        """Delete what workers have kept of attempts and types."""
        from pyasynq.broker.operations import attempts, type_counts  # noqa: PLC0415 - rarely needed

        for forget in (attempts.forget_attempts, type_counts.forget_types):
            while self._calls.run(forget(self._keys, limit=AT_ONCE)):
                pass

    def _delete_keys(self) -> int:
        """Delete all keys if the queue holds no task; return how many it holds."""
        namespace = self._calls.namespace
        # Before its keys: an enqueue that comes between the two lists it again.
        self._calls.run(queue_control.unlist_queue(self._queue, namespace))
        now_s = redis_now_s(self._calls.clock)
        size = self._calls.run(queue_control.delete_queue(self._keys, now_s=now_s))
        if size:
            self._calls.run(enqueue.register_queue(self._queue, namespace=namespace))
        return size
