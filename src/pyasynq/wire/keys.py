"""Names of every key in Redis (asynq v0.26 internal/base/base.go).

All keys of a queue have its name in braces, so a cluster keeps them in one slot. Keys that only
pyasynq knows have ``x:`` in their name, which no Go program uses.
"""

from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from hashlib import md5

from typing_extensions import override

from pyasynq.errors import ConfigError
from pyasynq.options import name_fault
from pyasynq.task import TaskState

DEFAULT_NAMESPACE = "asynq"

_EPOCH = date(1970, 1, 1).toordinal()


class QueueKeys:
    """Keys of one queue; get them from `queue_keys`, which caches them."""

    __slots__ = (
        "active",
        "aggregation_sets",
        "aggregators",
        "archived",
        "attempts",
        "completed",
        "failed",
        "group_prefix",
        "groups",
        "lease",
        "namespace",
        "pause_details",
        "paused",
        "pending",
        "prefix",
        "processed",
        "queue",
        "retry",
        "scheduled",
        "scheduled_groups",
        "task_prefix",
        "tick_prefix",
        "types",
        "unique_prefix",
        "waiters",
    )

    def __init__(self, queue: str, namespace: str) -> None:
        self.queue: str = queue
        self.namespace: str = namespace
        prefix = f"{namespace}:{{{queue}}}:"
        self.prefix: str = prefix
        self.task_prefix: str = f"{prefix}t:"
        self.group_prefix: str = f"{prefix}g:"
        self.unique_prefix: str = f"{prefix}unique:"
        self.pending: str = f"{prefix}pending"
        self.active: str = f"{prefix}active"
        self.lease: str = f"{prefix}lease"
        self.scheduled: str = f"{prefix}scheduled"
        self.retry: str = f"{prefix}retry"
        self.archived: str = f"{prefix}archived"
        self.completed: str = f"{prefix}completed"
        self.paused: str = f"{prefix}paused"
        self.processed: str = f"{prefix}processed"
        self.failed: str = f"{prefix}failed"
        self.groups: str = f"{prefix}groups"
        self.aggregation_sets: str = f"{prefix}aggregation_sets"
        self.waiters: str = f"{prefix}x:waiters"
        self.scheduled_groups: str = f"{prefix}x:scheduled_groups"
        self.aggregators: str = f"{prefix}x:aggregators"
        self.pause_details: str = f"{prefix}x:pause"
        self.tick_prefix: str = f"{prefix}x:tick:"
        self.attempts: str = f"{prefix}x:attempts"
        self.types: str = f"{prefix}x:types"

    @override
    def __repr__(self) -> str:
        return f"QueueKeys({self.prefix!r})"

    def task(self, task_id: str) -> str:
        """Hash of a task."""
        return self.task_prefix + task_id

    def unique(self, task_type: str, payload: bytes | None) -> str:
        """Lock of a type and a payload; None and empty payloads have different locks."""
        digest = "" if payload is None else md5(payload, usedforsecurity=False).hexdigest()
        return f"{self.unique_prefix}{task_type}:{digest}"

    def tick(self, entry_id: str) -> str:
        """Which tick of a periodic task was done last."""
        return self.tick_prefix + entry_id

    def attempts_of(self, task_id: str) -> str:
        """The last attempts of a task."""
        return f"{self.attempts}:{task_id}"

    def type_counts(self, task_type: str) -> str:
        """Statistics of a task type."""
        return f"{self.types}:{task_type}"

    def processed_on(self, now_s: int) -> str:
        """Counter of the tasks processed on the UTC day of *now_s*."""
        return f"{self.processed}:{_day(now_s)}"

    def failed_on(self, now_s: int) -> str:
        """Counter of the failures on the UTC day of *now_s*."""
        return f"{self.failed}:{_day(now_s)}"

    def counters_of(self, days: Iterable[str]) -> list[str]:
        """For each of *days*, as `day_text` writes them, both of these counters."""
        processed, failed = f"{self.processed}:", f"{self.failed}:"
        return [name for day in days for name in (processed + day, failed + day)]

    def group(self, name: str) -> str:
        """Members of a group."""
        return self.group_prefix + name

    def aggregation_set(self, group: str, set_id: str) -> str:
        """Members of a group that are being aggregated."""
        return f"{self.group_prefix}{group}:{set_id}"

    def of_state(self, state: TaskState) -> str:
        """The list or sorted set of the tasks in *state*.

        Raises:
            ConfigError: tasks that are aggregating are in groups, not in one key.
        """
        if state is TaskState.AGGREGATING:
            raise ConfigError("tasks that are aggregating have no key of their own; name the group")
        return self.prefix + state.value


class GlobalKeys:
    """Keys that belong to no queue; in a cluster each may be in a slot of its own."""

    __slots__ = (
        "cancel",
        "due",
        "handled",
        "namespace",
        "queues",
        "schedulers",
        "servers",
        "workers",
    )

    def __init__(self, namespace: str) -> None:
        self.namespace: str = namespace
        self.queues: str = f"{namespace}:queues"
        self.servers: str = f"{namespace}:servers"
        self.workers: str = f"{namespace}:workers"
        self.schedulers: str = f"{namespace}:schedulers"
        self.cancel: str = f"{namespace}:cancel"
        self.due: str = f"{namespace}:x:due"
        self.handled: str = f"{namespace}:x:handled"

    def server(self, host: str, pid: int, server_id: str) -> str:
        """The record of a server."""
        return f"{self.servers}:{{{host}:{pid}:{server_id}}}"

    def server_workers(self, host: str, pid: int, server_id: str) -> str:
        """The tasks that a server runs."""
        return f"{self.workers}:{{{host}:{pid}:{server_id}}}"

    def server_handles(self, host: str, pid: int, server_id: str) -> str:
        """What a server handles."""
        return f"{self.handled}:{{{host}:{pid}:{server_id}}}"

    def scheduler_entries(self, scheduler_id: str) -> str:
        """The entries of a scheduler."""
        return f"{self.schedulers}:{{{scheduler_id}}}"

    def scheduler_history(self, entry_id: str) -> str:
        """The tasks that a scheduler entry has enqueued."""
        return f"{self.namespace}:scheduler_history:{entry_id}"

    def leader(self, name: str) -> str:
        """Lock of the leading scheduler of the application *name*."""
        return f"{self.namespace}:leader:{name}"


@lru_cache(maxsize=1024)
def queue_keys(queue: str, namespace: str = DEFAULT_NAMESPACE) -> QueueKeys:
    """Return the keys of *queue*.

    Raises:
        ConfigError: the name is blank or is not text.
    """
    ConfigError.raise_if([name_fault("queue", queue)])
    return QueueKeys(queue, namespace)


def keys_of_listed(queue: str, namespace: str = DEFAULT_NAMESPACE) -> QueueKeys | None:
    """Return the keys of a queue that Redis lists, whatever its name is; None for an empty name.

    Other programs may list names that our clients refuse. Use it to look, not to write.
    """
    return QueueKeys(queue, namespace) if queue else None


@lru_cache(maxsize=16)
def global_keys(namespace: str = DEFAULT_NAMESPACE) -> GlobalKeys:
    """Return the keys that belong to no queue."""
    return GlobalKeys(namespace)


@lru_cache(maxsize=8)
def _day_text(day: int) -> str:
    return date.fromordinal(_EPOCH + day).isoformat()


def _day(now_s: int) -> str:
    return _day_text(now_s // 86_400)


def day_text(now_s: int) -> str:
    """Return the UTC day of *now_s* as the names of counters have it, such as "2030-01-31"."""
    return _day(now_s)
