"""What `App` and its decorators take as keyword arguments."""

from collections.abc import Sequence
from typing import Any, Literal, TypedDict

from pyasynq.options import Duration, OptionKeywords
from pyasynq.retry import IsFailure, RetryDelay
from pyasynq.worker.config import ErrorHandler, HealthCheck
from pyasynq.worker.handlers.aggregators import Aggregate

OnInvalidPayload = Literal["retry", "archive"]


class TaskKeywords(OptionKeywords, total=False):
    """What `App.task` takes: the options of every enqueue, and how the task is run.

    Attributes:
        retry_delay: (times retried, error, task) → wait before the next attempt.
        is_failure: whether an exception counts as a failure.
        on_invalid_payload: what becomes of a task whose payload does not fit: "retry", since
            another version of the code may understand it, or "archive" at once.
        max_deferrals: how many RetryLater in a row are granted; None for any number.
        aliases: other types that the same function handles, such as its old name.
        executor: "process" runs the function in a process of its own, which is killed when the
            task times out or is cancelled: for work that keeps a CPU busy.
    """

    retry_delay: RetryDelay | None
    is_failure: IsFailure | None
    on_invalid_payload: OnInvalidPayload | None
    max_deferrals: int | None
    aliases: Sequence[str]
    executor: Literal["process"] | None


class ServerKeywords(TypedDict, total=False):
    """The fields of `ServerConfig` that `App` takes as keyword arguments: all but the queues."""

    concurrency: int
    strict_priority: bool
    task_check_interval: Duration
    retry_delay: RetryDelay
    is_failure: IsFailure
    error_handler: ErrorHandler | None
    shutdown_timeout: Duration
    cancel_grace: Duration
    health_check: HealthCheck | None
    health_check_interval: Duration
    delayed_task_check_interval: Duration
    group_aggregator: Aggregate | None
    group_grace_period: Duration
    group_max_delay: Duration
    group_max_size: int
    janitor_interval: Duration
    janitor_batch_size: int
    archive_max_size: int
    archive_max_age: Duration
    lease_duration: Duration
    heartbeat_interval: Duration
    recover_interval: Duration
    watchdog_interval: Duration
    thread_pool_size: int | None
    process_pool_size: int | None
    release_unique_on_archive: bool
    max_payload_size: int
    base_state: Any
