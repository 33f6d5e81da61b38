"""Looks at queues and tasks, and controls them.

`AsyncInspector` and its blocking twin `Inspector` group their methods by what they are about:
``inspector.queues.infos()``, ``inspector.tasks.get(queue, task_id)``. Each name is loaded when
it is first used, so that a command which needs one of the two does not load the other.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyasynq.inspector.attempts import Attempt, AttemptOutcome
    from pyasynq.inspector.changes import Change, TaskRef
    from pyasynq.inspector.finding import Finding, Severity
    from pyasynq.inspector.found_task import FoundTask, TaskChunk
    from pyasynq.inspector.history import DailyStats
    from pyasynq.inspector.imports import BadLine, ImportResult
    from pyasynq.inspector.infos import QueueInfo
    from pyasynq.inspector.inspector import Inspector
    from pyasynq.inspector.inspector_async import AsyncInspector
    from pyasynq.inspector.nodes import Node
    from pyasynq.inspector.pages import DamagedTask, SearchResult, TaskPage
    from pyasynq.inspector.server_infos import (
        EnqueueEvent,
        GroupInfo,
        SchedulerEntry,
        ServerInfo,
        WorkerInfo,
    )
    from pyasynq.inspector.type_stats import (
        Percentiles,
        QueueTypeStats,
        TypeCounts,
        TypeInfo,
        TypeMinute,
        TypeStats,
    )

__all__ = [
    "AsyncInspector",
    "Attempt",
    "AttemptOutcome",
    "BadLine",
    "Change",
    "DailyStats",
    "DamagedTask",
    "EnqueueEvent",
    "Finding",
    "FoundTask",
    "GroupInfo",
    "ImportResult",
    "Inspector",
    "Node",
    "Percentiles",
    "QueueInfo",
    "QueueTypeStats",
    "SchedulerEntry",
    "SearchResult",
    "ServerInfo",
    "Severity",
    "TaskChunk",
    "TaskPage",
    "TaskRef",
    "TypeCounts",
    "TypeInfo",
    "TypeMinute",
    "TypeStats",
    "WorkerInfo",
]

_HOMES = {
    "attempts": ("Attempt", "AttemptOutcome"),
    "changes": ("Change", "TaskRef"),
    "finding": ("Finding", "Severity"),
    "found_task": ("FoundTask", "TaskChunk"),
    "history": ("DailyStats",),
    "imports": ("BadLine", "ImportResult"),
    "infos": ("QueueInfo",),
    "inspector": ("Inspector",),
    "inspector_async": ("AsyncInspector",),
    "nodes": ("Node",),
    "pages": ("DamagedTask", "SearchResult", "TaskPage"),
    "server_infos": ("EnqueueEvent", "GroupInfo", "SchedulerEntry", "ServerInfo", "WorkerInfo"),
    "type_stats": (
        *("Percentiles", "QueueTypeStats", "TypeCounts", "TypeInfo", "TypeMinute", "TypeStats"),
    ),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'pyasynq.inspector' has no attribute {name!r}")
    value = getattr(import_module(f"pyasynq.inspector.{_HOME_OF[name]}"), name)
    globals()[name] = value  # from now on found without this function
    return value


def __dir__() -> list[str]:
    return __all__
