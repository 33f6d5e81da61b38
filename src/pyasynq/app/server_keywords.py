# Generated from worker/config.py by tools/settings.py: change that file.
"""The settings of a server as keyword arguments of `App`."""

from typing import Any, TypedDict

from pyasynq.options import Duration
from pyasynq.retry import IsFailure, RetryDelay
from pyasynq.tracing import Tracing
from pyasynq.worker.config import ErrorHandler, HealthCheck
from pyasynq.worker.handlers.aggregators import Aggregate
from pyasynq.worker.task_history import TaskHistory
from pyasynq.worker.task_log import LogFailures


class ServerKeywords(TypedDict, total=False):
    """The fields of `ServerConfig` that `App` takes as keyword arguments: all but the queues."""

    concurrency: int
    strict_priority: bool
    task_check_interval: Duration
    retry_delay: RetryDelay
    is_failure: IsFailure
    error_handler: ErrorHandler | None
    log_failures: LogFailures
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
    max_result_size: int
    task_history: TaskHistory | None
    type_statistics: bool
    base_state: Any
    tracing: Tracing | None
