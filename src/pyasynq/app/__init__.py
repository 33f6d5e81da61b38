"""The application: functions as tasks, joined with a client, an inspector and a worker."""

from pyasynq.app.app import App
from pyasynq.app.batch import Batch
from pyasynq.app.batch_progress import BatchCounts, TaskResult
from pyasynq.app.calls import NotEnqueued
from pyasynq.app.definition import TaskDefinition
from pyasynq.app.handle import TaskHandle

__all__ = [
    "App",
    "Batch",
    "BatchCounts",
    "NotEnqueued",
    "TaskDefinition",
    "TaskHandle",
    "TaskResult",
]
