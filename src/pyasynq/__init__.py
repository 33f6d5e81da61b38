"""A distributed task queue on Redis, wire-compatible with Go's Asynq.

Every name is loaded when it is first used, so ``import pyasynq`` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from pyasynq.version import __version__

if TYPE_CHECKING:
    from pyasynq import retry
    from pyasynq.app import (
        App,
        Batch,
        BatchCounts,
        NotEnqueued,
        TaskDefinition,
        TaskHandle,
        TaskResult,
    )
    from pyasynq.client import Client
    from pyasynq.client_async import AsyncClient
    from pyasynq.connection.options import ConnectionOptions
    from pyasynq.control_flow import RetryLater, RevokeTask, SkipRetry
    from pyasynq.errors import (
        BatchTimeoutError,
        ConfigError,
        DuplicateTaskError,
        EnqueueError,
        EntryNotFoundError,
        FilterError,
        HandlerNotFoundError,
        HandlerProcessError,
        ImportLineError,
        IncompatibleRedisError,
        NotFoundError,
        NotReplicatedError,
        PayloadError,
        PyasynqError,
        QueueAlreadyPausedError,
        QueueNotEmptyError,
        QueueNotFoundError,
        QueueNotPausedError,
        RedisUnavailableError,
        ResultNotKeptError,
        ResultTimeoutError,
        ServerStateError,
        StateError,
        TaskFailedError,
        TaskIdConflictError,
        TaskNotFoundError,
        TaskStateError,
    )
    from pyasynq.events.event import EventName, PeriodicEvent, TaskEvent, WorkerEvent
    from pyasynq.inspector import (
        AsyncInspector,
        Attempt,
        BadLine,
        DailyStats,
        DamagedTask,
        EnqueueEvent,
        GroupInfo,
        ImportResult,
        Inspector,
        QueueInfo,
        SchedulerEntry,
        SearchResult,
        ServerInfo,
        TaskPage,
        TypeInfo,
        TypeStats,
        WorkerInfo,
    )
    from pyasynq.lifecycle.health import Health, HealthCheck
    from pyasynq.options import Duration, EnqueueOptions
    from pyasynq.payload import Field
    from pyasynq.scheduler.config import PeriodicTaskConfig
    from pyasynq.scheduler.manager import PeriodicTaskManager
    from pyasynq.scheduler.scheduler import Scheduler
    from pyasynq.task import EnqueueResult, Progress, Task, TaskInfo, TaskState
    from pyasynq.worker.config import ServerConfig
    from pyasynq.worker.handlers.context import TaskContext, current_context
    from pyasynq.worker.handlers.middleware import CallNext, Middleware, PlainCallNext
    from pyasynq.worker.handlers.mux import ServeMux, TaskSettings
    from pyasynq.worker.log_fields import TaskFields, add_task_fields, add_task_fields_to_event
    from pyasynq.worker.server import Server
    from pyasynq.worker.task_history import TaskHistory

__all__ = [
    "App",
    "AsyncClient",
    "AsyncInspector",
    "Attempt",
    "BadLine",
    "Batch",
    "BatchCounts",
    "BatchTimeoutError",
    "CallNext",
    "Client",
    "ConfigError",
    "ConnectionOptions",
    "DailyStats",
    "DamagedTask",
    "DuplicateTaskError",
    "Duration",
    "EnqueueError",
    "EnqueueEvent",
    "EnqueueOptions",
    "EnqueueResult",
    "EntryNotFoundError",
    "EventName",
    "Field",
    "FilterError",
    "GroupInfo",
    "HandlerNotFoundError",
    "HandlerProcessError",
    "Health",
    "HealthCheck",
    "ImportLineError",
    "ImportResult",
    "IncompatibleRedisError",
    "Inspector",
    "Middleware",
    "NotEnqueued",
    "NotFoundError",
    "NotReplicatedError",
    "PayloadError",
    "PeriodicEvent",
    "PeriodicTaskConfig",
    "PeriodicTaskManager",
    "PlainCallNext",
    "Progress",
    "PyasynqError",
    "QueueAlreadyPausedError",
    "QueueInfo",
    "QueueNotEmptyError",
    "QueueNotFoundError",
    "QueueNotPausedError",
    "RedisUnavailableError",
    "ResultNotKeptError",
    "ResultTimeoutError",
    "RetryLater",
    "RevokeTask",
    "Scheduler",
    "SchedulerEntry",
    "SearchResult",
    "ServeMux",
    "Server",
    "ServerConfig",
    "ServerInfo",
    "ServerStateError",
    "SkipRetry",
    "StateError",
    "Task",
    "TaskContext",
    "TaskDefinition",
    "TaskEvent",
    "TaskFailedError",
    "TaskFields",
    "TaskHandle",
    "TaskHistory",
    "TaskIdConflictError",
    "TaskInfo",
    "TaskNotFoundError",
    "TaskPage",
    "TaskResult",
    "TaskSettings",
    "TaskState",
    "TaskStateError",
    "TypeInfo",
    "TypeStats",
    "WorkerEvent",
    "WorkerInfo",
    "__version__",
    "add_task_fields",
    "add_task_fields_to_event",
    "current_context",
    "retry",
]

# The modules of the public names that are not errors.
_HOMES = {
    "app": (
        "App",
        "Batch",
        "BatchCounts",
        "NotEnqueued",
        "TaskDefinition",
        "TaskHandle",
        "TaskResult",
    ),
    "client": ("Client",),
    "client_async": ("AsyncClient",),
    "control_flow": ("RetryLater", "RevokeTask", "SkipRetry"),
    "connection.options": ("ConnectionOptions",),
    "events.event": ("EventName", "PeriodicEvent", "TaskEvent", "WorkerEvent"),
    "inspector": (
        "AsyncInspector",
        "Attempt",
        "BadLine",
        "DailyStats",
        "DamagedTask",
        "EnqueueEvent",
        "GroupInfo",
        "ImportResult",
        "Inspector",
        "QueueInfo",
        "SchedulerEntry",
        "SearchResult",
        "ServerInfo",
        "TaskPage",
        "TypeInfo",
        "TypeStats",
        "WorkerInfo",
    ),
    "lifecycle.health": ("Health", "HealthCheck"),
    "options": ("Duration", "EnqueueOptions"),
    "payload": ("Field",),
    "scheduler.config": ("PeriodicTaskConfig",),
    "scheduler.manager": ("PeriodicTaskManager",),
    "scheduler.scheduler": ("Scheduler",),
    "task": ("EnqueueResult", "Progress", "Task", "TaskInfo", "TaskState"),
    "worker.config": ("ServerConfig",),
    "worker.handlers.context": ("TaskContext", "current_context"),
    "worker.handlers.middleware": ("CallNext", "Middleware", "PlainCallNext"),
    "worker.handlers.mux": ("ServeMux", "TaskSettings"),
    "worker.log_fields": ("TaskFields", "add_task_fields", "add_task_fields_to_event"),
    "worker.server": ("Server",),
    "worker.task_history": ("TaskHistory",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module 'pyasynq' has no attribute {name!r}")
    if name == "retry":
        return import_module("pyasynq.retry")
    try:
        home = import_module(f"pyasynq.{_HOME_OF.get(name, 'errors')}")
    except AttributeError as error:  # `from pyasynq import …` would hide it
        file = getattr(getattr(error, "obj", None), "__file__", None)
        hint = f"; does {file} hide the module that is meant? then rename it" if file else ""
        raise ImportError(f"pyasynq cannot be loaded: {error}{hint}") from error
    value = getattr(home, name)
    globals()[name] = value  # from now on found without this function
    return value


def __dir__() -> list[str]:
    return __all__
