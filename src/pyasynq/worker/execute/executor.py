"""Runs one task: context, middlewares, handler, and the decision what becomes of it.

    launch → the handler runs ──ends──► settle(outcome of result or exception) → slot free
                  │
                  └─ end (time is up, cancelled, lease lost, shutdown): cancel, wait `cancel_grace`,
                     settle with the error that stands for it; the slot stays taken until
                     the handler has really ended

A task is settled once; what comes later is ignored.
"""

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Coroutine
from typing import Any

from pyasynq.errors import PyasynqError
from pyasynq.functions.returned import finished, is_unfinished
from pyasynq.options import to_seconds
from pyasynq.shown import LONGEST, shown
from pyasynq.wire.error_text import CONTEXT_CANCELLED
from pyasynq.worker.attempt import outcome
from pyasynq.worker.attempt.outcome import Outcome
from pyasynq.worker.attempt.running_task import Ending, RunningTask
from pyasynq.worker.execute.deadlines import Deadlines
from pyasynq.worker.execute.eager import EagerRunner
from pyasynq.worker.execute.endpoints import Endpoints
from pyasynq.worker.execute.error_handler import ErrorHandlerCalls
from pyasynq.worker.execute.judge import Judge
from pyasynq.worker.execute.plain_runner import Plain, PlainRunner
from pyasynq.worker.handlers.context import Scope, TaskContext, enter, enter_span
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.observers import OnSettle, OnStart
from pyasynq.worker.resources import ServerResources
from pyasynq.worker.task_log import TaskLog

logger = logging.getLogger("pyasynq.executor")

Settle = OnSettle


class Executor:
    """Runs handlers on this loop, in threads, and in processes of their own.

    Args:
        task_log: where failed attempts are logged.
        settle: called once for each task with what becomes of it.
        on_start: called with each task before its handler starts; None if nobody listens.
        keeps_errors: keep what a task failed with until its outcome is written.
        is_traced: handlers run inside the spans of their tasks.

    Attributes:
        running: the tasks whose handlers have not ended; each takes a slot.
    """

    def __init__(
        self,
        mux: ServeMux,
        resources: ServerResources,
        scope: Scope,
        *,
        task_log: TaskLog,
        settle: Settle,
        on_start: OnStart | None = None,
        keeps_errors: bool = False,
        is_traced: bool = False,
    ) -> None:
        self._config = resources.config
        self._changed = resources.changed
        self._scope = scope
        self._monotonic = scope.clock.monotonic
        self._task_log = task_log
        self._settle_outcome = settle
        self._on_start = on_start
        self._grace_s = to_seconds(self._config.cancel_grace)
        self._endpoints = Endpoints(mux, self._config, resources.make_threads)
        self._judge = Judge(self._config, self._endpoints, scope.clock, keeps_errors=keeps_errors)
        self._enter = enter_span if is_traced else enter
        self._error_handler = ErrorHandlerCalls(
            self._config.error_handler, grace_s=self._grace_s, enter_apart=self._enter
        )
        self._deadlines = Deadlines(scope.loop, lambda task: self.end(task, Ending.TIMED_OUT))
        self.running: dict[RunningTask, TaskContext] = {}
        run = self._run_in_span if is_traced else self._run
        self._eager = EagerRunner(scope.loop, self.running, run, self._deadlines.add)
        self._has_plain = self._endpoints.has_plain
        self._plain = PlainRunner(self._endpoints.threads, self._on_plain_end, self._enter)

    @property
    def has_leftovers(self) -> bool:
        """Whether a handler has not ended, on the loop or in a thread."""
        return bool(self.running) or self._endpoints.has_busy_threads

    def launch(self, running: RunningTask) -> None:
        """Start the handler of *running*; returns at once."""
        if self._on_start is not None:
            self._on_start(running)
        context = TaskContext(running, outcome.task_of(running.message), self._scope)
        self.running[running] = context
        if self._has_plain and (plain := self._endpoints[running.message.type].plain):
            self._launch_plain(running, context, plain)
        else:
            self._eager.start(running)

    def end(self, running: RunningTask, ending: Ending) -> None:
        """Ask a handler to end, and settle its task at the latest after `cancel_grace`."""
        if running.has_ended or running.is_settled:
            return
        if running.ending is not None:
            if ending is Ending.SHUTDOWN:  # nobody waits for the rest of the grace
                self._settle_without_handler(running)
            return
        running.ending, running.asked_to_end_at = ending, self._scope.loop.time()
        if running.handle is not None:
            running.handle.cancel()
        if ending is Ending.SHUTDOWN:
            self._settle(running, outcome.REQUEUED)
        elif ending is Ending.LEASE_LOST:
            error = outcome.error_of(ending)
            self._settle_failure(running, outcome.LOST, error)
            self._error_handler.call_apart(self.running[running], error)
        else:
            self._scope.loop.call_later(self._grace_s, self._settle_without_handler, running)

    async def close(self) -> None:
        """Drop timers and threads, and kill processes; other handlers that run are left behind.

        The error handler may take as long as a cancelled handler to end.
        """
        self._deadlines.close()
        await self._endpoints.close()
        await self._error_handler.close()

    async def _run_in_span(self, running: RunningTask) -> None:
        """Run a task inside its span, and leave no trace of it in the asyncio task."""
        leave = None if running.span is None else running.span.enter()
        try:
            await self._run(running)
        finally:
            if leave is not None:
                leave()

    async def _run(self, running: RunningTask) -> None:
        context = self.running[running]
        try:
            result = await self._call(running, context)
            if result is not None and not isinstance(result, bytes):
                result = await finished(result)
            decided = self._judge.of_return(running, result)
        except BaseException as error:  # noqa: BLE001 - whatever a handler raises is its outcome
            self._eager.end_sharing()
            await self._on_failure(running, context, error)
        else:
            self._settle(running, decided)
        finally:
            self._leave(running)

    def _leave(self, running: RunningTask) -> None:
        """Free the slot of a task whose handler has ended."""
        running.has_ended = True
        running.handle = None  # no cycle: freed without the collector
        self._deadlines.remove(running)
        del self.running[running]
        self._changed.set()

    def _call(self, running: RunningTask, context: TaskContext) -> Awaitable[Any]:
        """Call the handler inside the middlewares, unless it is too late or was asked to end."""
        if running.ending is not None or running.ends_at <= self._scope.loop.time():
            raise _too_late(running)
        return self._endpoints[running.message.type].call(context)

    def _launch_plain(self, running: RunningTask, context: TaskContext, handler: Plain) -> None:
        if running.ends_at <= self._scope.loop.time():
            self._on_plain_end(running, None, _too_late(running))
            return
        self._deadlines.add(running)
        self._plain.start(running, context, handler)

    def _on_plain_end(
        self, running: RunningTask, returned: object, error: BaseException | None
    ) -> None:
        """Settle a task whose handler is a plain function and has ended in its thread."""
        context = self.running[running]
        if error is None:
            decided = self._decided(running, returned)
            if decided is None:
                self._go_on(running, context, self._finish(running, context, returned))
                return
            if not isinstance(decided, BaseException):
                self._settle(running, decided)
                self._leave(running)
                return
            error = decided
        if self._error_handler.is_set and not running.is_settled:
            self._go_on(running, context, self._on_failure(running, context, error))
            return
        self._fail(running, error)
        self._leave(running)

    def _decided(self, running: RunningTask, returned: object) -> Outcome | BaseException | None:
        """Return the outcome, or why the task has failed all the same; None: work is left to do."""
        try:
            # What was returned may misbehave when somebody asks what it is.
            if returned is not None and type(returned) is not bytes and is_unfinished(returned):
                return None
            return self._judge.of_return(running, returned)
        except BaseException as error:  # noqa: BLE001 - the task has failed all the same
            return error

    async def _finish(self, running: RunningTask, context: TaskContext, returned: object) -> None:
        """Wait for what a plain function has only returned, such as a coroutine."""
        if running.ending is not None:  # this came before there was anything to cancel
            _drop(returned)
            await self._on_failure(running, context, outcome.error_of(running.ending))
            return
        try:
            decided = self._judge.of_return(running, await finished(returned))
        except BaseException as error:  # noqa: BLE001 - whatever a handler raises is its outcome
            await self._on_failure(running, context, error)
        else:
            self._settle(running, decided)

    def _go_on(
        self, running: RunningTask, context: TaskContext, work: Coroutine[Any, Any, None]
    ) -> None:
        """Let an asyncio task of its own do *work*, which keeps the slot of a task taken."""

        async def to_the_end() -> None:
            # Only now: cancelled before its first step, this would never leave.
            running.handle = asyncio.current_task()
            self._enter(context)
            try:
                await work
            finally:
                self._leave(running)

        # The loop holds it until its first step; from then on what it runs does.
        _task = self._scope.loop.create_task(to_the_end(), name=running.task_id[:LONGEST])

    async def _on_failure(
        self, running: RunningTask, context: TaskContext, error: BaseException
    ) -> None:
        """Settle a failed task, then call the error handler."""
        if not running.is_settled:
            await self._error_handler.call(context, self._fail(running, error))

    def _fail(self, running: RunningTask, error: BaseException) -> BaseException:
        """Settle a failed task; return what it has failed with."""
        try:
            return self._fail_with(running, error)
        except BaseException:  # noqa: BLE001 - code of the user's, in the class of the exception
            name = type(error).__name__
            odd = PyasynqError(f"the handler raised a {name}, which fails when it is looked at")
            return self._fail_with(running, odd)

    def _fail_with(self, running: RunningTask, error: BaseException) -> BaseException:
        if running.ending is not None and outcome.control_flow(error) is None:
            error = outcome.error_of(running.ending, error)
        elif isinstance(error, asyncio.CancelledError):
            error = asyncio.CancelledError(CONTEXT_CANCELLED)
        if not running.is_settled:
            self._settle_failure(running, self._judge.of_failure(running, error), error)
        return error

    def _settle_without_handler(self, running: RunningTask) -> None:
        """The grace is over, or the shutdown: settle the task although its handler goes on."""
        if running.is_settled or running.has_ended or running.ending is None:
            return
        logger.warning(
            "the handler of task %s (%s) goes on although it was asked to end (%s)",
            shown(running.message.id),
            shown(running.message.type),
            running.ending.value,
            extra={"task_id": shown(running.message.id), "queue": running.queue},
        )
        error = outcome.error_of(running.ending)
        self._settle_failure(running, self._judge.of_failure(running, error), error)
        self._error_handler.call_apart(self.running[running], error)

    def _settle_failure(self, running: RunningTask, decided: Outcome, error: BaseException) -> None:
        self._task_log.failed(running.task_id, running.queue, running.message, decided, error)
        self._settle(running, decided)

    def _settle(self, running: RunningTask, decided: Outcome) -> None:
        if not running.is_settled:
            running.is_settled = True
            running.ended_at = self._monotonic()
            self._settle_outcome(running, decided)


def _drop(returned: object) -> None:
    """Let a coroutine that never begins be no warning."""
    if inspect.iscoroutine(returned):
        returned.close()


def _too_late(running: RunningTask) -> BaseException:
    """Return why the handler of a task does not start (asynq v0.26 processor.go)."""
    return outcome.error_of(running.ending or Ending.TIMED_OUT)
