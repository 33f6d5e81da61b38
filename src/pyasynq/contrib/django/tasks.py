"""A backend for the tasks of Django, of Django 6 or of the package django-tasks."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from inspect import iscoroutinefunction
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from django.utils.module_loading import import_string
from typing_extensions import override

from pyasynq.clock import to_datetime
from pyasynq.contrib.django.project import project_app
from pyasynq.contrib.django.task_handlers import register
from pyasynq.contrib.django.task_package import (
    BaseTaskBackend,
    InvalidTask,
    TaskResultDoesNotExist,
    TaskResultStatus,
    normalize_json,
    task_backends,
    task_enqueued,
)
from pyasynq.contrib.django.task_results import (
    ASYNC,
    PLAIN,
    Enqueued,
    Meta,
    Record,
    stored_result,
    type_of,
)
from pyasynq.errors import ConfigError
from pyasynq.options import EnqueueOptions, name_fault
from pyasynq.spelling import hint
from pyasynq.task import EnqueueResult, Task, TaskInfo

OPTIONS = {"RETENTION": "retention", "MAX_RETRY": "max_retry", "TIMEOUT": "timeout"}
USUAL = {"RETENTION": 86_400, "MAX_RETRY": 0}


class PyasynqBackend(BaseTaskBackend):
    """Enqueues tasks of Django for the workers of the project.

    ``OPTIONS`` of the backend: RETENTION, for how long results are kept, a day if not given;
    MAX_RETRY, how often a task that fails is tried again, 0 if not given; TIMEOUT, of an attempt.
    """

    supports_defer = True
    supports_async_task = True
    supports_get_result = True
    supports_priority = False

    def __init__(self, alias: str, params: Mapping[str, Any]) -> None:
        super().__init__(alias, params)
        self._app = project_app()
        register(self._app)
        self._options = _options(alias, self.options)

    @override
    def enqueue(self, task: Any, args: Any, kwargs: Any) -> Any:
        """Store a task; after the commit, if the caller is inside of a transaction.

        Raises:
            InvalidTask: the task does not fit this backend.
            TypeError, ValueError: an argument is not JSON.
            RedisUnavailableError: see `Client.enqueue`.
        """
        meta, order = self._order(task, args, kwargs)
        return self._enqueued(task, args, kwargs, meta, self._app.enqueue_many([order]))

    @override
    async def aenqueue(self, task: Any, args: Any, kwargs: Any) -> Any:
        """Store a task; like `enqueue`, for async code."""
        meta, order = self._order(task, args, kwargs)
        results = await self._app.aenqueue_many([order])
        return self._enqueued(task, args, kwargs, meta, results)

    @override
    def get_result(self, result_id: str) -> Any:
        """Return the result of a task of this backend.

        Raises:
            TaskResultDoesNotExist: there is no such task, or not any more, or not before the
                commit.
        """
        tasks = self._app._clients.inspector().tasks  # noqa: SLF001 - of our App
        places = self._places(result_id)
        found = tasks.get_many(places) if self.queues else tasks.find(result_id)
        return self._found(result_id, found)

    @override
    async def aget_result(self, result_id: str) -> Any:
        """Return the result of a task of this backend; see `get_result`."""
        inspector = await self._app._clients.async_inspector()  # noqa: SLF001 - of our App
        places, tasks = self._places(result_id), inspector.tasks
        found = await (tasks.get_many(places) if self.queues else tasks.find(result_id))
        return self._found(result_id, found)

    @override
    def check(self, **_given: Any) -> Iterator[Any]:
        """Find queues of this backend that the project's worker does not serve."""
        for queue in sorted(self.queues - self._app.config.queues.keys()):
            yield checks.Warning(
                f"queue {queue!r} of TASKS[{self.alias!r}] is not served: "
                "PYASYNQ['QUEUES'] does not name it",
                hint="Name it there, or run a worker of its own with `-q`.",
                id="pyasynq.W002",
            )

    def _order(self, task: Any, args: Any, kwargs: Any) -> tuple[Meta, Task]:
        self.validate_task(task)
        path = task.module_path
        _check_place(task, path)
        given = {"args": normalize_json(list(args)), "kwargs": normalize_json(dict(kwargs))}
        now = to_datetime(self._app._clients.clock.redis_now_ns())  # noqa: SLF001 - of our App
        meta = Meta(backend=self.alias, enqueued_at=now, run_after=_aware(task.run_after))
        options = EnqueueOptions(queue=task.queue_name, process_at=meta.run_after)
        return meta, Task(
            type_of(path, is_async=iscoroutinefunction(task.func)),
            json.dumps(given, ensure_ascii=False, separators=(",", ":")).encode(),
            headers=meta.headers(),
            options=options.merged_over(self._options),
        )

    def _enqueued(
        self, task: Any, args: Any, kwargs: Any, meta: Meta, results: list[EnqueueResult]
    ) -> Any:
        (stored,) = results
        if stored.info is None:
            raise stored.error or AssertionError("a task was neither stored nor refused")
        enqueued = Enqueued(
            task=task,
            id=stored.info.id,
            backend=self.alias,
            meta=meta,
            args=list(args),
            kwargs=dict(kwargs),
        )
        result = enqueued.result(Record(), TaskResultStatus.READY)
        task_enqueued.send(type(self), task_result=result)
        return result

    def _places(self, result_id: str) -> list[tuple[str, str]]:
        if name_fault("id", result_id) is not None:
            raise TaskResultDoesNotExist(result_id)
        return [(queue, result_id) for queue in sorted(self.queues)]

    def _found(self, result_id: str, found: Sequence[TaskInfo | None]) -> Any:
        for info in found:
            if info is not None and info.type.startswith((PLAIN, ASYNC)):
                return stored_result(info, self.alias)
        raise TaskResultDoesNotExist(result_id)


def register_backends(aliases: Iterable[str]) -> None:
    """Let the App of the project run the tasks of Django, if one of TASKS is our backend."""
    for alias in aliases:
        kind = import_string(settings.TASKS[alias]["BACKEND"])
        if isinstance(kind, type) and issubclass(kind, PyasynqBackend):
            _ = task_backends[alias]


def _check_place(task: Any, path: str) -> None:
    """Check that a worker finds a task under the path of its function.

    Raises:
        InvalidTask: it finds something else there, or nothing.
    """
    try:
        found = import_string(path)
    except ImportError:
        found = None
    if getattr(found, "func", None) is not task.func:
        raise InvalidTask(
            f"{path} is not this task; a worker finds it by the name of its function, so write "
            "@task above the function"
        )


def _aware(moment: datetime | None) -> datetime | None:
    """Return a moment with a time zone; without USE_TZ, Django means its own."""
    if moment is None or timezone.is_aware(moment):
        return moment
    aware: datetime = timezone.make_aware(moment, timezone.get_default_timezone())
    return aware


def _options(alias: str, given: Mapping[str, Any]) -> EnqueueOptions:
    faults = [
        f"unknown option {name!r}; {hint(name, OPTIONS)}" for name in given if name not in OPTIONS
    ]
    found = {**USUAL, **{name: given[name] for name in given if name in OPTIONS}}
    try:
        options = EnqueueOptions(**{OPTIONS[name]: value for name, value in found.items()})
    except ConfigError as error:
        faults += error.faults
        options = EnqueueOptions()
    if faults:
        raise ImproperlyConfigured(f"OPTIONS of TASKS[{alias!r}]: {'; '.join(faults)}")
    return options
