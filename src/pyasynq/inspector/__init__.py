"""Looks at queues and tasks, and controls them.

`AsyncInspector` and its blocking twin `Inspector` group their methods by what they are about:
``inspector.queues.infos()``, ``inspector.tasks.get(queue, task_id)``.
"""

from pyasynq.inspector.finding import Finding, Severity
from pyasynq.inspector.history import DailyStats
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

__all__ = [
    "AsyncInspector",
    "DailyStats",
    "DamagedTask",
    "EnqueueEvent",
    "Finding",
    "GroupInfo",
    "Inspector",
    "Node",
    "QueueInfo",
    "SchedulerEntry",
    "SearchResult",
    "ServerInfo",
    "Severity",
    "TaskPage",
    "WorkerInfo",
]
