"""Looks at queues and tasks, and controls them.

`AsyncInspector` and its blocking twin `Inspector` group their methods by what they are about:
``inspector.queues.infos()``, ``inspector.tasks.get(queue, task_id)``.
"""

from pyasynq.inspector.infos import QueueInfo
from pyasynq.inspector.inspector import Inspector
from pyasynq.inspector.inspector_async import AsyncInspector

__all__ = ["AsyncInspector", "Inspector", "QueueInfo"]
