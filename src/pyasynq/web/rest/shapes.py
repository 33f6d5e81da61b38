"""The objects of asynqmon's JSON: names, order and types of their fields.

asynqmon v0.7.2 conversion_helpers.go. Fields must not be added: only `error` of a queue is
ours, and it is there only if the queue cannot be read.
"""

from collections.abc import Mapping, Sequence

import msgspec


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """A queue at one moment; the counts of today are of the day in UTC."""

    queue: str
    memory_usage_bytes: int
    size: int
    groups: int
    latency_msec: int
    display_latency: str
    active: int
    pending: int
    aggregating: int
    scheduled: int
    retry: int
    archived: int
    completed: int
    processed: int
    succeeded: int
    failed: int
    paused: bool
    timestamp: str
    error: str | msgspec.UnsetType = msgspec.UNSET


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """What a queue did on one day (UTC)."""

    queue: str
    processed: int
    succeeded: int
    failed: int
    date: str


class Queues(msgspec.Struct, frozen=True):
    """All queues."""

    queues: Sequence[Queue]


class QueueWithHistory(msgspec.Struct, frozen=True):
    """A queue, and what it did on each of the last ten days, today first."""

    current: Queue
    history: Sequence[Day]


class Stats(msgspec.Struct, frozen=True):
    """What every queue did on each of the last 90 days, today first, by the name of the queue."""

    stats: Mapping[str, Sequence[Day]]


class Group(msgspec.Struct, frozen=True):
    """A group, and how many members it has."""

    group: str
    size: int


class Groups(msgspec.Struct, frozen=True):
    """The groups of a queue, and the queue."""

    stats: Queue
    groups: Sequence[Group]


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """A task in a list; this is all of one that is pending."""

    id: str
    type: str
    payload: str
    queue: str
    max_retry: int
    retried: int
    error_message: str


class ActiveTask(Task, frozen=True, kw_only=True):
    """A task that runs; its times are "-" until its server has shown them."""

    start_time: str
    deadline: str
    is_orphaned: bool


class AggregatingTask(Task, frozen=True, kw_only=True):
    """A member of a group."""

    group: str


class DueTask(Task, frozen=True, kw_only=True):
    """A task that is scheduled, or waits for its retry."""

    next_process_at: str


class ArchivedTask(Task, frozen=True, kw_only=True):
    """A task that is archived."""

    last_failed_at: str


class CompletedTask(Task, frozen=True, kw_only=True):
    """A task that is completed and kept for a while."""

    completed_at: str
    result: str
    ttl_seconds: int


AnyTask = Task | ActiveTask | AggregatingTask | DueTask | ArchivedTask | CompletedTask


class Tasks(msgspec.Struct, frozen=True):
    """A page of tasks in one state, and their queue."""

    tasks: Sequence[Task]
    stats: Queue


class GroupTasks(msgspec.Struct, frozen=True):
    """A page of the members of a group, their queue, and all groups of it."""

    tasks: Sequence[AggregatingTask]
    stats: Queue
    groups: Sequence[Group]


class TaskDetails(msgspec.Struct, frozen=True, kw_only=True):
    """All that asynqmon shows of a task; a time is empty if there is none."""

    id: str
    queue: str
    type: str
    payload: str
    state: str
    max_retry: int
    retried: int
    error_message: str
    last_failed_at: str
    timeout_seconds: int
    deadline: str
    next_process_at: str
    completed_at: str
    result: str
    ttl_seconds: int


class TaskIds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of a request about several tasks."""

    task_ids: Sequence[str] | None = None


class Canceled(msgspec.Struct, frozen=True):
    """Of which tasks it was asked that they be cancelled."""

    canceled_ids: Sequence[str]
    error_ids: Sequence[str]


class Deleted(msgspec.Struct, frozen=True):
    """Which tasks were deleted."""

    deleted_ids: Sequence[str]
    failed_ids: Sequence[str]


class Archived(msgspec.Struct, frozen=True):
    """Which tasks were archived."""

    archived_ids: Sequence[str]
    error_ids: Sequence[str]


class MadePending(msgspec.Struct, frozen=True):
    """Which tasks were made pending."""

    pending_ids: Sequence[str]
    error_ids: Sequence[str]


class DeletedCount(msgspec.Struct, frozen=True):
    """How many tasks were deleted."""

    deleted: int


class ArchivedCount(msgspec.Struct, frozen=True):
    """How many tasks were archived."""

    archived: int


class ScheduledCount(msgspec.Struct, frozen=True):
    """How many tasks were made pending."""

    scheduled: int


class Worker(msgspec.Struct, frozen=True, kw_only=True):
    """A task that a server runs."""

    task_id: str
    queue: str
    task_type: str
    task_payload: str
    start_time: str


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """A server that is alive."""

    id: str
    host: str
    pid: int
    concurrency: int
    queue_priorities: Mapping[str, int]
    strict_priority_enabled: bool
    start_time: str
    status: str
    active_workers: Sequence[Worker]


class Servers(msgspec.Struct, frozen=True):
    """The servers that are alive."""

    servers: Sequence[Server]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A periodic task of a scheduler that is alive."""

    id: str
    spec: str
    task_type: str
    task_payload: str
    options: Sequence[str]
    next_enqueue_at: str
    prev_enqueue_at: str | msgspec.UnsetType = msgspec.UNSET


class Entries(msgspec.Struct, frozen=True):
    """All periodic tasks."""

    entries: Sequence[Entry]


class Event(msgspec.Struct, frozen=True):
    """A task that a scheduler entry has enqueued."""

    task_id: str
    enqueued_at: str


class Events(msgspec.Struct, frozen=True):
    """What a scheduler entry has enqueued, the latest first."""

    events: Sequence[Event]


class Location(msgspec.Struct, frozen=True):
    """Where a queue lies in a cluster."""

    queue: str
    keyslot: int
    nodes: Sequence[str]


class RedisInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What Redis reports about itself."""

    address: str
    info: Mapping[str, str]
    raw_info: str
    cluster: bool
    raw_cluster_nodes: str
    queue_locations: Sequence[Location] | None


class Metrics(msgspec.Struct, frozen=True, kw_only=True):
    """The answers of Prometheus to nine range queries, as it gives them."""

    queue_size: msgspec.Raw
    queue_latency_seconds: msgspec.Raw
    queue_memory_usage_approx_bytes: msgspec.Raw
    tasks_processed_per_second: msgspec.Raw
    tasks_failed_per_second: msgspec.Raw
    error_rate: msgspec.Raw
    pending_tasks_by_queue: msgspec.Raw
    retry_tasks_by_queue: msgspec.Raw
    archived_tasks_by_queue: msgspec.Raw
