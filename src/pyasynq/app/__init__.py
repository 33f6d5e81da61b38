"""The application: functions as tasks, joined with a client, an inspector and a worker."""

from pyasynq.app.app import App
from pyasynq.app.definition import TaskDefinition
from pyasynq.app.handle import TaskHandle

__all__ = ["App", "TaskDefinition", "TaskHandle"]
