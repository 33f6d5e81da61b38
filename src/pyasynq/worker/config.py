"""The settings of a server."""

import dataclasses
import os
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Self

from pyasynq.broker.new_tasks.payload_size import DEFAULT_MAX_PAYLOAD_SIZE, max_payload_size_fault
from pyasynq.errors import ConfigError
from pyasynq.options import MAX_INT32, Duration, duration_fault, name_fault, to_seconds
from pyasynq.retry import IsFailure, RetryDelay, always_failure, asynq_default
from pyasynq.task import Task
from pyasynq.worker.handlers.aggregators import (
    Aggregate,
    grace_period_fault,
    max_delay_fault,
    max_size_fault,
)
from pyasynq.worker.handlers.context import TaskContext

ErrorHandler = Callable[[TaskContext, Task, BaseException], Awaitable[None] | None]
HealthCheck = Callable[[Exception | None], object]

_SMALLEST_S = {
    # Redis and Go Asynq count leases in whole seconds.
    "lease_duration": 1.0,
    "heartbeat_interval": 0.1,
    "task_check_interval": 0.001,
    "delayed_task_check_interval": 0.001,
    "janitor_interval": 0.01,
    "recover_interval": 0.01,
    "health_check_interval": 0.01,
    "watchdog_interval": 0.01,
}


_CALLABLES = ("retry_delay", "is_failure", "error_handler", "health_check", "group_aggregator")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """Settings of a server; all are checked at once when it is made.

    Attributes:
        concurrency: how many tasks run at the same time, from 1.
        queues: name to priority, a whole number from 1.
        strict_priority: serve a queue only when those of higher priority are empty.
        task_check_interval: how long an idle server waits before it looks again.
        retry_delay: (times retried, error, task) → how long to wait before the next attempt.
        is_failure: whether an exception counts as a failure; if not, the task is retried
            without counting it.
        error_handler: called with (context, task, error) for every attempt that failed.
        shutdown_timeout: how long running handlers may go on after a stop; then their tasks
            go back to the front of their queues.
        cancel_grace: how long a cancelled handler may take to end before its outcome is
            written; its slot stays taken until it has ended.
        health_check: called with None or the error of a ping, every `health_check_interval`.
        delayed_task_check_interval: longest sleep of the forwarder.
        group_aggregator: (group, tasks) → the one task in their place, or None to drop them:
            for every group that the mux has no aggregator for.
        group_grace_period: a group without a new member for so long is due; at least 1 s.
        group_max_delay: a group whose oldest member waits for so long is due; 0: no limit.
        group_max_size: a group of so many members is due, and no aggregate has more, up to
            500; 0: no limit but 500.
        janitor_interval: how often completed tasks whose retention is over are deleted.
        janitor_batch_size: how many of them at once, from 1 to 500.
        archive_max_size: how many archived tasks a queue keeps.
        archive_max_age: for how long it keeps them.
        lease_duration: for how long a running task is safe from recovery without a heartbeat.
        heartbeat_interval: how often leases are extended; at most half of `lease_duration`.
        recover_interval: how often tasks of lost workers are looked for.
        watchdog_interval: how often the event loop is asked for a sign of life; one that gives
            none within another interval is logged, with the frame that blocks it.
        thread_pool_size: threads for plain functions; as many as `concurrency` if None.
        process_pool_size: processes for handlers with ``executor="process"``, started when they
            are needed; as many as the machine has CPUs if None.
        release_unique_on_archive: free the unique lock of a task that is archived.
        max_payload_size: a larger payload, in bytes, is stored and handled, but the log says so
            once per task type; from 1 to 512 MiB, which is what Redis can hold.
        base_state: what `TaskContext.state` is, if there is no lifespan.

    Raises:
        ConfigError: names every wrong setting.
    """

    concurrency: int = 10
    queues: Mapping[str, int] = field(default_factory=lambda: {"default": 1})
    strict_priority: bool = False
    task_check_interval: Duration = 1.0
    retry_delay: RetryDelay = asynq_default
    is_failure: IsFailure = always_failure
    error_handler: ErrorHandler | None = None
    shutdown_timeout: Duration = 8.0
    cancel_grace: Duration = 5.0
    health_check: HealthCheck | None = None
    health_check_interval: Duration = 15.0
    delayed_task_check_interval: Duration = 5.0
    group_aggregator: Aggregate | None = None
    group_grace_period: Duration = 60.0
    group_max_delay: Duration = 0.0
    group_max_size: int = 0
    janitor_interval: Duration = 8.0
    janitor_batch_size: int = 100
    archive_max_size: int = 9_999
    archive_max_age: Duration = timedelta(days=90)
    lease_duration: Duration = 30.0
    heartbeat_interval: Duration = 5.0
    recover_interval: Duration = 60.0
    watchdog_interval: Duration = 1.0
    thread_pool_size: int | None = None
    process_pool_size: int | None = None
    release_unique_on_archive: bool = False
    max_payload_size: int = DEFAULT_MAX_PAYLOAD_SIZE
    base_state: Any = None

    def __post_init__(self) -> None:
        ConfigError.raise_if(_faults(self))

    def is_lock_freed_on_archive(self, unique_until: str) -> bool:
        """Tell whether a task that is archived frees its lock; *unique_until* as it is stored."""
        return self.release_unique_on_archive or unique_until == "archived"

    @classmethod
    def from_env(cls, environment: Mapping[str, str] | None = None, **given: Any) -> Self:
        """Read settings from ``PYASYNQ_<FIELD>`` variables; *given* ones win.

        Numbers are plain, durations are seconds, booleans ``true`` or ``false``, and queues
        ``critical=6,default=3``.

        Raises:
            ConfigError: names every variable that cannot be read.
        """
        variables = os.environ if environment is None else environment
        found: dict[str, Any] = {}
        faults: list[str] = []
        for name, read in _READERS.items():
            variable = f"PYASYNQ_{name.upper()}"
            if variable in variables and name not in given:
                try:
                    found[name] = read(variables[variable])
                except ValueError as error:
                    faults.append(f"{variable}={variables[variable]!r}: {error}")
        ConfigError.raise_if(faults)
        return cls(**found, **given)


def read_queues(text: str) -> dict[str, int]:
    """Read ``critical=6,default=3``; a name alone has priority 1.

    Raises:
        ValueError: the text is of another form.
    """
    queues: dict[str, int] = {}
    for part in text.split(","):
        name, separator, priority = part.strip().rpartition("=")
        if not separator:
            name, priority = part.strip(), "1"
        if name in queues:
            raise ValueError(f"queue {name!r} is named twice")
        try:
            queues[name] = int(priority)
        except ValueError:
            raise ValueError(f"priority {priority!r} is not a whole number") from None
    return queues


def _read_boolean(text: str) -> bool:
    try:
        return {"true": True, "1": True, "false": False, "0": False}[text.strip().lower()]
    except KeyError:
        raise ValueError("use true or false") from None


_READERS: dict[str, Callable[[str], Any]] = {  # how each setting is read from text
    "concurrency": int,
    "queues": read_queues,
    "strict_priority": _read_boolean,
    "release_unique_on_archive": _read_boolean,
    "thread_pool_size": int,
    "process_pool_size": int,
    "janitor_batch_size": int,
    "archive_max_size": int,
    "max_payload_size": int,
    "task_check_interval": float,
    "shutdown_timeout": float,
    "cancel_grace": float,
    "health_check_interval": float,
    "delayed_task_check_interval": float,
    "group_grace_period": float,
    "group_max_delay": float,
    "group_max_size": int,
    "janitor_interval": float,
    "archive_max_age": float,
    "lease_duration": float,
    "heartbeat_interval": float,
    "recover_interval": float,
    "watchdog_interval": float,
}


def _faults(config: ServerConfig) -> Iterator[str]:
    yield from _number_faults(config)
    yield from _queue_faults(config.queues)
    is_sound = True
    for attribute in dataclasses.fields(config):
        if attribute.name.endswith(("_interval", "_timeout", "_grace", "_age", "_duration")):
            smallest = timedelta(seconds=_SMALLEST_S.get(attribute.name, 0.0))
            value = getattr(config, attribute.name)
            if fault := duration_fault(attribute.name, value, minimum=smallest):
                is_sound = False
                yield fault
    if is_sound and 2 * to_seconds(config.heartbeat_interval) > to_seconds(config.lease_duration):
        yield (
            "heartbeat_interval must be at most half of lease_duration, "
            "else one late heartbeat loses every lease"
        )
    for fault in (
        grace_period_fault("group_grace_period", config.group_grace_period),
        max_delay_fault("group_max_delay", config.group_max_delay),
        max_size_fault("group_max_size", config.group_max_size),
        max_payload_size_fault(config.max_payload_size),
    ):
        if fault:
            yield fault
    for name in _CALLABLES:
        value = getattr(config, name)
        if value is not None and not callable(value):
            yield f"{name} must be callable, not {type(value).__name__}"


def _number_faults(config: ServerConfig) -> Iterator[str]:
    limits = {
        "concurrency": (1, 100_000),
        "janitor_batch_size": (1, 500),
        "archive_max_size": (0, MAX_INT32),
    }
    if config.thread_pool_size is not None:
        limits["thread_pool_size"] = (1, 100_000)
    if config.process_pool_size is not None:
        limits["process_pool_size"] = (1, 10_000)
    for name, (low, high) in limits.items():
        value = getattr(config, name)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            yield f"{name} must be a whole number from {low} to {high}, not {value!r}"


def _queue_faults(queues: object) -> Iterator[str]:
    if not isinstance(queues, Mapping) or not queues:
        yield f"queues must map at least one name to its priority, not {queues!r}"
        return
    for name, priority in queues.items():
        if fault := name_fault("queue", name):
            yield fault
        is_number = isinstance(priority, int) and not isinstance(priority, bool)
        if not is_number or not 1 <= priority <= MAX_INT32:
            yield f"priority of queue {name!r} must be a whole number from 1, not {priority!r}"
