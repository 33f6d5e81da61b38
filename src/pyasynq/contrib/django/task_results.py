"""How a task of Django stands in Redis, and the result that Django shows of it.

The type is the path of its function behind a word that tells how it is called, the payload is
``{"args": […], "kwargs": {…}}``, and what Redis does not know by itself is in one header and in the
stored result, a `Record`.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self

import msgspec
from django.apps import apps
from django.utils.module_loading import import_string

from pyasynq.contrib.django.task_package import (
    Task,
    TaskError,
    TaskResult,
    TaskResultStatus,
)
from pyasynq.errors import ConfigError
from pyasynq.task import TaskInfo, TaskState

PLAIN, ASYNC = "django.tasks:", "django.tasks.async:"
HEADER = "django-task"

_STATUS = {
    TaskState.ACTIVE: TaskResultStatus.RUNNING,
    TaskState.COMPLETED: TaskResultStatus.SUCCESSFUL,
    TaskState.ARCHIVED: TaskResultStatus.FAILED,
}
WITHOUT_A_CLASS = "pyasynq.errors.TaskFailedError"  # what no handler has raised


class Failure(msgspec.Struct, frozen=True):
    """An exception of an attempt."""

    exception_class_path: str
    traceback: str


class Record(msgspec.Struct, kw_only=True):
    """What is known of the attempts of a task; it is stored as its result."""

    return_value: Any = None
    started_at: datetime | None = None
    last_attempted_at: datetime | None = None
    finished_at: datetime | None = None
    worker_ids: list[str] = []
    errors: list[Failure] = []

    @classmethod
    def of(cls, data: bytes | None) -> Self:
        """Return a stored record; an empty one if there is none, or it cannot be read."""
        try:
            return msgspec.json.decode(data or b"{}", type=cls)
        except msgspec.MsgspecError:
            return cls()


class Meta(msgspec.Struct, frozen=True, kw_only=True):
    """What the header of a task says.

    Attributes:
        backend: the alias of the backend that has enqueued it.
    """

    backend: str = "default"
    enqueued_at: datetime | None = None
    run_after: datetime | None = None

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Self:
        """Return what the headers of a task say; what cannot be read is left out."""
        try:
            return msgspec.json.decode(headers.get(HEADER, "{}"), type=cls)
        except msgspec.MsgspecError:
            return cls()

    def headers(self) -> dict[str, str]:
        """Return the headers of a new task."""
        return {HEADER: msgspec.json.encode(self).decode()}


def type_of(path: str, *, is_async: bool) -> str:
    """Return the task type for the function at *path*."""
    return (ASYNC if is_async else PLAIN) + path


def task_of(task_type: str) -> Any:
    """Return the task of Django that a task type names.

    Raises:
        ConfigError: it names none; nothing is called, and only modules of the project's apps are
            imported.
    """
    path = task_type.partition(":")[2]
    if apps.get_containing_app_config(path) is None:
        raise ConfigError(f"{path!r} is in no installed app, so it is not run as a task")
    try:
        found = import_string(path)
    except ImportError as error:
        raise ConfigError(f"there is no task {path!r}: {error}") from error
    if not isinstance(found, Task):
        raise ConfigError(f"{path!r} is {type(found).__name__}, not a task of Django")
    return found


def arguments_of(payload: bytes) -> tuple[list[Any], dict[str, Any]]:
    """Return the positional arguments and those by name."""
    try:
        found = json.loads(payload)
        return list(found["args"]), dict(found["kwargs"])
    except (ValueError, KeyError, TypeError):
        return [], {}


class Enqueued(msgspec.Struct, frozen=True, kw_only=True):
    """A task of Django that was enqueued.

    Attributes:
        task: of Django, as it was enqueued.
        id: of the task in Redis, and of its result.
        backend: the alias of the backend whose result it is.
    """

    task: Any
    id: str
    backend: str
    meta: Meta
    args: list[Any]
    kwargs: dict[str, Any]

    def result(self, record: Record, status: Any) -> Any:
        """Return what Django calls the result of a task, whether it has ended or not."""
        result = TaskResult(
            task=self.task,
            id=self.id,
            status=status,
            enqueued_at=self.meta.enqueued_at,
            started_at=record.started_at,
            last_attempted_at=record.last_attempted_at,
            finished_at=record.finished_at,
            args=self.args,
            kwargs=self.kwargs,
            backend=self.backend,
            errors=[_error(each) for each in record.errors],
            worker_ids=list(record.worker_ids),
        )
        object.__setattr__(result, "_return_value", record.return_value)  # as Django's own do
        return result


def stored_result(info: TaskInfo, alias: str) -> Any:
    """Return the result of a task as it stands in Redis.

    Raises:
        ConfigError: its function is not there any more.
    """
    record, meta = Record.of(info.result), Meta.of(info.headers)
    if info.state is TaskState.ARCHIVED:
        record.finished_at = record.finished_at or info.last_failed_at
        if not record.errors:  # such as a worker that was killed
            record.errors = [Failure(WITHOUT_A_CLASS, info.last_error)]
    elif info.state is not TaskState.COMPLETED:
        record.finished_at = None
    args, kwargs = arguments_of(info.payload)
    enqueued = Enqueued(
        task=task_of(info.type).using(queue_name=info.queue, run_after=meta.run_after),
        id=info.id,
        backend=alias,
        meta=meta,
        args=args,
        kwargs=kwargs,
    )
    return enqueued.result(record, _STATUS.get(info.state, TaskResultStatus.READY))


def _error(failure: Failure) -> Any:
    return TaskError(exception_class_path=failure.exception_class_path, traceback=failure.traceback)
