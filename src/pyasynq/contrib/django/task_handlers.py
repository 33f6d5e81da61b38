"""Runs tasks of Django: two handlers, one for plain functions and one for coroutine functions."""

from datetime import datetime
from traceback import format_exception
from typing import TYPE_CHECKING, Any

import msgspec

from pyasynq.clock import to_datetime
from pyasynq.contrib.django.task_package import (
    TaskContext as ContextOfDjango,
)
from pyasynq.contrib.django.task_package import (
    TaskResultStatus,
    normalize_json,
    task_backends,
    task_finished,
    task_started,
)
from pyasynq.contrib.django.task_results import (
    ASYNC,
    PLAIN,
    Enqueued,
    Failure,
    Meta,
    Record,
    task_of,
)
from pyasynq.wire.handled import ANY_TEXT
from pyasynq.worker.handlers.context import TaskContext, clock_of, is_kept

if TYPE_CHECKING:
    from pyasynq.contrib.django.application import App


def register(app: "App") -> None:
    """Let *app* run all tasks of Django; safe to repeat."""
    if PLAIN + ANY_TEXT in app.tasks:
        return

    @app.task(PLAIN + ANY_TEXT)
    def run_task(ctx: TaskContext, args: list[Any], kwargs: dict[str, Any]) -> bytes:
        stored = app.task_handle(ctx.queue, ctx.task_id).info() if _is_again(ctx) else None
        attempt = Attempt(ctx, args, kwargs, stored.result if stored else None)
        attempt.store()
        try:
            task_started.send(**attempt.told)
            attempt.succeed(attempt.task.call(*attempt.args, **kwargs))
        except (Exception, SystemExit) as error:
            attempt.fail(error)
            attempt.store()
            task_finished.send(**attempt.told)
            raise
        task_finished.send(**attempt.told)
        return attempt.data

    @app.task(ASYNC + ANY_TEXT)
    async def run_async_task(ctx: TaskContext, args: list[Any], kwargs: dict[str, Any]) -> bytes:
        stored = None
        if _is_again(ctx):
            stored = await app.task_handle(ctx.queue, ctx.task_id).ainfo()
        attempt = Attempt(ctx, args, kwargs, stored.result if stored else None)
        await attempt.astore()
        try:
            await task_started.asend(**attempt.told)
            attempt.succeed(await attempt.task.acall(*attempt.args, **kwargs))
        except (Exception, SystemExit) as error:
            attempt.fail(error)
            await attempt.astore()
            await task_finished.asend(**attempt.told)
            raise
        await task_finished.asend(**attempt.told)
        return attempt.data


class Attempt:
    """One attempt to run a task of Django.

    Args:
        earlier: the stored record of the attempts before it; None for none.

    Attributes:
        task: of Django.
        args: the positional arguments of its function, with the context if it takes one.

    Raises:
        ConfigError: there is no such task.
    """

    def __init__(
        self, ctx: TaskContext, args: list[Any], kwargs: dict[str, Any], earlier: bytes | None
    ) -> None:
        self._ctx = ctx
        self._meta = Meta.of(ctx.headers)
        self._record = Record.of(earlier)
        found = task_of(ctx.task_type)
        self.task = found.using(queue_name=ctx.queue, run_after=self._meta.run_after)
        now = self._now()
        self._record.started_at = self._record.started_at or now
        self._record.last_attempted_at = now
        self._record.worker_ids.append(ctx.server_id)
        self._enqueued = Enqueued(
            task=self.task,
            id=ctx.task_id,
            backend=self._meta.backend,
            meta=self._meta,
            args=args,
            kwargs=kwargs,
        )
        self._result = self._enqueued.result(self._record, TaskResultStatus.RUNNING)
        context = [ContextOfDjango(task_result=self._result)] if self.task.takes_context else []
        self.args = [*context, *args]

    @property
    def told(self) -> dict[str, Any]:
        """What the signals of Django say."""
        return {"sender": type(task_backends[self._meta.backend]), "task_result": self._result}

    @property
    def data(self) -> bytes:
        """The record, as it is stored."""
        return msgspec.json.encode(self._record)

    def succeed(self, returned: object) -> None:
        """Note what the function has returned.

        Raises:
            TypeError, ValueError: it is not JSON.
        """
        self._record.return_value = normalize_json(returned)
        self._end(TaskResultStatus.SUCCESSFUL)

    def fail(self, error: BaseException) -> None:
        """Note what the function has raised."""
        kind = type(error)
        path = f"{kind.__module__}.{kind.__qualname__}"
        self._record.errors.append(Failure(path, "".join(format_exception(error))))
        self._end(TaskResultStatus.FAILED)

    def store(self) -> None:
        """Store the record, if it is kept."""
        if is_kept(self._ctx):
            self._ctx.write_result(self.data)

    async def astore(self) -> None:
        """Store the record, if it is kept; for coroutine functions."""
        if is_kept(self._ctx):
            await self._ctx.awrite_result(self.data)

    def _end(self, status: Any) -> None:
        self._record.finished_at = self._now()
        self._result = self._enqueued.result(self._record, status)

    def _now(self) -> datetime:
        return to_datetime(clock_of(self._ctx).redis_now_ns())


def _is_again(ctx: TaskContext) -> bool:
    return ctx.attempt > 1 and is_kept(ctx)
