"""The settings of a server."""

import dataclasses
import os
from collections.abc import Awaitable, Callable, Container, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from typing import Any, Self, get_args

from pyasynq.broker.decoding import MOST_TASKS
from pyasynq.broker.new_tasks.payload_size import DEFAULT_MAX_PAYLOAD_SIZE, LARGEST_PAYLOAD_BYTES
from pyasynq.errors import ConfigError
from pyasynq.options import MAX_INT32, Duration, to_seconds
from pyasynq.retry import (
    IsFailure,
    RetryDelay,
    always_failure,
    asynq_default,
    is_failure_fault,
    retry_delay_fault,
)
from pyasynq.spelling import hint
from pyasynq.task import Task
from pyasynq.tracing import Tracing, tracing_fault
from pyasynq.worker.handlers.aggregators import GRACE_PERIOD, MAX_DELAY, MAX_SIZE, Aggregate
from pyasynq.worker.handlers.context import TaskContext
from pyasynq.worker.setting import (
    Anything,
    Flag,
    Function,
    Kind,
    OneOf,
    Priorities,
    Span,
    Whole,
    setting,
)
from pyasynq.worker.task_history import History, TaskHistory
from pyasynq.worker.task_log import LogFailures

ErrorHandler = Callable[[TaskContext[Any], Task, BaseException], Awaitable[None] | None]
HealthCheck = Callable[[Exception | None], object]

VARIABLE_PREFIX = "PYASYNQ_"

MOST_SLOTS = 100_000
MOST_PROCESSES = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """Settings of a server; all are checked at once when it is made.

    Attributes:
        concurrency: how many tasks run at the same time.
        queues: the queues to serve, each with its priority.
        strict_priority: serve a queue only when those of higher priority are empty.
        task_check_interval: how long an idle server waits before it polls queues that cannot wake
            it.
        retry_delay: (times retried, error, task) → how long to wait before the next attempt; for
            what is not a duration the default is used, and a line is logged.
        is_failure: whether an exception counts as a failure; if not, the task is retried
            without counting it.
        error_handler: called with (context, task, error) for every attempt that fails, is
            cancelled, loses its lease, or raises SkipRetry, RevokeTask or RetryLater.
        log_failures: which failed attempts are logged: "all", only the last ones ("archived"),
            or "none".
        shutdown_timeout: how long handlers and aggregators may go on after a stop; then their
            tasks go back to the front of their queues.
        cancel_grace: how long a cancelled handler may take to end before its outcome is
            written; its slot stays taken until it has ended. At a stop, how long outcomes that
            are left may take to be written.
        health_check: called with None, or with the error of a ping of Redis.
        health_check_interval: how often Redis is pinged for it.
        delayed_task_check_interval: longest sleep of the forwarder.
        group_aggregator: (group, tasks) → the one task that replaces them, or None to drop them;
            for every group without an aggregator of its own.
        group_grace_period: a group is due once nothing was added for this long.
        group_max_delay: a group is due once its oldest member has waited this long; 0: no limit.
        group_max_size: a group is due once it has this many members, and no aggregate has more;
            0: no limit but 500.
        janitor_interval: how often completed tasks whose retention is over, and archived tasks
            beyond the limits, are deleted.
        janitor_batch_size: how many of them are deleted at a time.
        archive_max_size: how many archived tasks a queue keeps.
        archive_max_age: for how long it keeps them.
        lease_duration: for how long a running task is safe from recovery without a heartbeat.
        heartbeat_interval: how often leases are extended; at most half of `lease_duration`.
        recover_interval: how often tasks of lost workers are looked for.
        watchdog_interval: how often the watchdog checks the event loop; if the loop does not
            respond within another interval, the code that blocks it is logged.
        thread_pool_size: threads for plain functions; as many as `concurrency` if None.
        process_pool_size: processes for handlers with ``executor="process"``, in each of the
            worker's processes, started when they are needed; one for each CPU if None.
        release_unique_on_archive: free the unique lock of a task that is archived.
        max_payload_size: a larger payload is stored and handled, but logged once per task type;
            Redis cannot hold more than 512 MiB.
        max_result_size: a task whose result is larger is completed without it, or archived, as its
            ``on_invalid_result`` says; Redis cannot hold more than 512 MiB.
        task_history: keep the last attempts of each task in Redis, as `TaskHistory` says; none if
            None. In the environment ``true`` stands for ``TaskHistory()``.
        type_statistics: keep in Redis what is done of each task type, for an hour: counts,
            failures, and how long tasks run and wait. It is written once a minute.
        base_state: what `TaskContext.state` is, if there is no lifespan.
        tracing: makes spans of tasks, as ``OpenTelemetry()`` of `pyasynq.opentelemetry` does; an
            App also gives it to what enqueues. None for no spans.

    Raises:
        ConfigError: names every wrong setting.
    """

    concurrency: int = setting(10, Whole(1, MOST_SLOTS))
    queues: Mapping[str, int] = setting({"default": 1}, Priorities())
    strict_priority: bool = setting(False, Flag())
    task_check_interval: Duration = setting(1.0, Span(0.001))
    retry_delay: RetryDelay = setting(asynq_default, Function(retry_delay_fault))
    is_failure: IsFailure = setting(always_failure, Function(is_failure_fault))
    error_handler: ErrorHandler | None = setting(None, Function())
    log_failures: LogFailures = setting("all", OneOf(get_args(LogFailures)))
    shutdown_timeout: Duration = setting(8.0, Span())
    cancel_grace: Duration = setting(5.0, Span())
    health_check: HealthCheck | None = setting(None, Function())
    health_check_interval: Duration = setting(15.0, Span(0.01))
    delayed_task_check_interval: Duration = setting(5.0, Span(0.001))
    group_aggregator: Aggregate | None = setting(None, Function())
    group_grace_period: Duration = setting(60.0, GRACE_PERIOD)
    group_max_delay: Duration = setting(0.0, MAX_DELAY)
    group_max_size: int = setting(0, MAX_SIZE)
    janitor_interval: Duration = setting(8.0, Span(0.01))
    janitor_batch_size: int = setting(100, Whole(1, MOST_TASKS))
    archive_max_size: int = setting(9_999, Whole(0, MAX_INT32))
    archive_max_age: Duration = setting(timedelta(days=90), Span())
    # Redis and Go Asynq count leases in whole seconds.
    lease_duration: Duration = setting(30.0, Span(1.0))
    heartbeat_interval: Duration = setting(5.0, Span(0.1))
    recover_interval: Duration = setting(60.0, Span(0.01))
    watchdog_interval: Duration = setting(1.0, Span(0.01))
    thread_pool_size: int | None = setting(None, Whole(1, MOST_SLOTS, is_optional=True))
    process_pool_size: int | None = setting(None, Whole(1, MOST_PROCESSES, is_optional=True))
    release_unique_on_archive: bool = setting(False, Flag())
    max_payload_size: int = setting(
        DEFAULT_MAX_PAYLOAD_SIZE, Whole(1, LARGEST_PAYLOAD_BYTES, unit="bytes")
    )
    max_result_size: int = setting(
        LARGEST_PAYLOAD_BYTES, Whole(1, LARGEST_PAYLOAD_BYTES, unit="bytes")
    )
    task_history: TaskHistory | None = setting(None, History())
    type_statistics: bool = setting(True, Flag())
    base_state: Any = setting(None, Anything())
    tracing: Tracing | None = setting(None, Function(tracing_fault))

    def __post_init__(self) -> None:
        ConfigError.raise_if(_faults(self))

    def is_lock_freed_on_archive(self, unique_until: str) -> bool:
        """Whether a task that is archived frees its lock; *unique_until* is the stored text."""
        return self.release_unique_on_archive or unique_until == "archived"

    @classmethod
    def from_env(cls, environment: Mapping[str, str] | None = None, **given: Any) -> Self:
        """Read settings from ``PYASYNQ_<FIELD>`` variables; *given* ones win.

        Numbers are plain, durations are seconds, booleans ``true`` or ``false``, and queues
        ``critical=6,default=3``. A variable that is empty counts as not set.

        Args:
            environment: the variables; those of this process if not given.
            given: settings that need no variable, by name.

        Raises:
            ConfigError: names every variable with a wrong value, and every unknown setting.
        """
        variables = os.environ if environment is None else environment
        if not isinstance(variables, Mapping):
            raise ConfigError(f"from_env takes a mapping, not {type(variables).__name__}")
        found, faults = read_variables(variables, given)
        faults += [
            f"unknown setting {name!r}; {hint(name, _KINDS, {})}"
            for name in given
            if name not in _KINDS
        ]
        ConfigError.raise_if(faults)
        return cls(**found, **given)


def variable_of(name: str) -> str:
    """Return the variable of the environment that gives the setting *name*."""
    return f"{VARIABLE_PREFIX}{name.upper()}"


def read_variables(
    variables: Mapping[str, str], given: Container[str] = ()
) -> tuple[dict[str, Any], list[str]]:
    """Return the settings that variables of the environment give, and what is wrong with others.

    Args:
        given: settings whose variables are left alone.
    """
    found: dict[str, Any] = {}
    faults: list[str] = []
    for name, kind in _KINDS.items():
        text = variables.get(variable_of(name), "")
        if kind.read is None or not text or name in given:
            continue
        try:
            value = kind.read(text)
        except ValueError as error:
            wrong = [str(error)]
        else:
            wrong = [*kind.faults(name, value)]
            found.update({} if wrong else {name: value})
        faults += [f"{variable_of(name)}={text!r}: {fault}" for fault in wrong]
    return found, faults


def setting_kinds() -> dict[str, Kind]:
    """Return the kind of every setting by its name, in their order."""
    return {each.name: each.metadata["kind"] for each in dataclasses.fields(ServerConfig)}


def _faults(config: ServerConfig) -> Iterator[str]:
    faults = {name: [*kind.faults(name, getattr(config, name))] for name, kind in _KINDS.items()}
    yield from chain.from_iterable(faults.values())
    if faults["heartbeat_interval"] or faults["lease_duration"]:
        return
    if 2 * to_seconds(config.heartbeat_interval) > to_seconds(config.lease_duration):
        yield (
            "heartbeat_interval must be at most half of lease_duration, "
            "else one late heartbeat loses every lease"
        )


_KINDS = setting_kinds()
