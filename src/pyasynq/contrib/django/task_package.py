"""The tasks of Django: those of Django itself, from 6.0 on, or of the package django-tasks.

The package is meant if it is in INSTALLED_APPS, or if Django has no tasks itself.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.conf import settings

from pyasynq.errors import ConfigError


def _name() -> str:
    has_package = find_spec("django_tasks") is not None
    if has_package and "django_tasks" in settings.INSTALLED_APPS:
        return "django_tasks"
    if find_spec("django.tasks") is not None:
        return "django.tasks"
    if has_package:
        return "django_tasks"
    raise ConfigError("this Django has no tasks; run pip install django-tasks, or take Django 6")


NAME = _name()

_base, _errors = import_module(f"{NAME}.base"), import_module(f"{NAME}.exceptions")
_signals, _backends = import_module(f"{NAME}.signals"), import_module(f"{NAME}.backends.base")

BaseTaskBackend: Any = _backends.BaseTaskBackend
Task: Any = _base.Task
TaskContext: Any = _base.TaskContext
TaskError: Any = _base.TaskError
TaskResult: Any = _base.TaskResult
TaskResultStatus: Any = _base.TaskResultStatus
InvalidTask: Any = getattr(_errors, "InvalidTask", None) or _errors.InvalidTaskError
TaskResultDoesNotExist: Any = (
    getattr(_errors, "TaskResultDoesNotExist", None) or _errors.ResultDoesNotExist
)
normalize_json: Any = _base.normalize_json
task_enqueued: Any = _signals.task_enqueued
task_started: Any = _signals.task_started
task_finished: Any = _signals.task_finished
task: Any = import_module(NAME).task
task_backends: Any = import_module(NAME).task_backends
