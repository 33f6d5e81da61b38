"""Runs one task: context, middlewares, handler, and the decision what becomes of it.

    launch → the handler runs ──ends──► settle(outcome of result or exception) → slot free
                  │
                  └─ end (time is up, cancelled, lease lost, shutdown): cancel, wait `cancel_grace`,
                     settle with the error that stands for it; the slot stays taken until
                     the handler has really ended

A task is settled once; what comes later is ignored.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from pyasynq.control_flow import SkipRetry
from pyasynq.errors import PayloadError
from pyasynq.options import to_seconds
from pyasynq.wire.error_text import CONTEXT_CANCELLED
from pyasynq.worker.attempt import outcome
from pyasynq.worker.attempt.outcome import Outcome, Rules
from pyasynq.worker.attempt.running_task import Ending, RunningTask
from pyasynq.worker.execute.deadlines import Deadlines
from pyasynq.worker.execute.eager import EagerRunner
from pyasynq.worker.execute.endpoints import Endpoints
from pyasynq.worker.execute.error_handler import ErrorHandlerCalls
from pyasynq.worker.handlers.context import Scope, TaskContext
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.handlers.returned import finished
from pyasynq.worker.resources import ServerResources
from pyasynq.worker.task_log import TaskLog

logger = logging.getLogger("pyasynq.executor")
task_logger = logging.getLogger("pyasynq.task")

Settle = Callable[[RunningTask, Outcome], None]


class Executor:
    """Runs handlers on this loop, in threads, and in processes of their own.

    Args:
        task_log: where failed attempts are logged.
        settle: called once for each task with what becomes of it.
        on_start: called with each task before its handler starts; None if nobody listens.
        keeps_errors: keep what a task failed with until its outcome is written.

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
        on_start: Callable[[RunningTask], None] | None = None,
        keeps_errors: bool = False,
    ) -> None:
        self._config = resources.config
        self._changed = resources.changed
        self._scope = scope
        self._task_log = task_log
        self._settle_outcome = settle
        self._on_start = on_start
        self._keeps_errors = keeps_errors
        self._grace_s = to_seconds(self._config.cancel_grace)
        self._endpoints = Endpoints(mux, self._config)
        self._error_handler = ErrorHandlerCalls(self._config.error_handler, grace_s=self._grace_s)
        self._deadlines = Deadlines(scope.loop, lambda task: self.end(task, Ending.TIMED_OUT))
        self.running: dict[RunningTask, TaskContext] = {}
        self._eager = EagerRunner(scope.loop, self.running, self._run, self._deadlines.add)

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

    async def _run(self, running: RunningTask) -> None:
        context = self.running[running]
        try:
            result = await self._call(running, context)
            if result is not None and not isinstance(result, bytes):
                result = await finished(result)
            decided = self._decide(running, result)
        except BaseException as error:  # noqa: BLE001 - whatever a handler raises is its outcome
            self._eager.end_sharing()
            await self._on_failure(running, context, error)
        else:
            self._settle(running, decided)
        finally:
            running.has_ended = True
            running.handle = None  # no cycle: freed without the collector
            self._deadlines.remove(running)
            del self.running[running]
            self._changed.set()

    def _call(self, running: RunningTask, context: TaskContext) -> Awaitable[Any]:
        """Call the handler inside the middlewares, unless it is too late or was asked to end."""
        ending = running.ending
        if running.ends_at <= self._scope.loop.time():  # asynq v0.26 processor.go: no start then
            ending = ending or Ending.TIMED_OUT
        if ending is not None:
            raise outcome.error_of(ending)
        call, _settings = self._endpoints[running.message.type]
        return call(context)

    def _decide(self, running: RunningTask, result: object) -> Outcome:
        """Return what becomes of a task whose handler has returned.

        Raises:
            Exception: the task has failed all the same.
            PayloadError: its result cannot be kept, and it is to be archived then.
        """
        if running.ending is not None:
            raise outcome.error_of(running.ending)
        message = running.message
        if message.retention <= 0:  # nothing is kept that needs to know the time
            return outcome.of_success(message, result, 0)
        kept, fault = result, None
        if result is None:
            kept, fault = running.written_result, running.result_fault
        fault = fault or outcome.result_fault(kept, self._config.max_result_size)
        now_ns = self._scope.clock.redis_now_ns()
        if fault is not None:
            return self._without_result(running, fault, now_ns)
        return outcome.of_success(message, kept, now_ns)

    def _without_result(self, running: RunningTask, fault: str, now_ns: int) -> Outcome:
        """Return what becomes of a task whose work is done, but whose result cannot be kept."""
        message = running.message
        _call, settings = self._endpoints[message.type]
        if settings.on_invalid_result == "archive":
            # The cause decides what becomes of the task; the stored text is that of the error.
            text = f"the result of {message.type!r} cannot be stored: {fault}"
            raise PayloadError(text) from SkipRetry()
        task_logger.error(
            "%s[%s] is done, but its result cannot be stored: %s; it is completed without one",
            message.type,
            running.task_id,
            fault,
            extra={
                "task_id": running.task_id,
                "queue": running.queue,
                "task_type": message.type,
            },
        )
        return outcome.of_success_without_result(message, fault, now_ns)

    async def _on_failure(
        self, running: RunningTask, context: TaskContext, error: BaseException
    ) -> None:
        """Settle a failed task, then call the error handler."""
        if running.is_settled:
            return
        if running.ending is not None and outcome.control_flow(error) is None:
            error = outcome.error_of(running.ending)
        elif isinstance(error, asyncio.CancelledError):
            error = asyncio.CancelledError(CONTEXT_CANCELLED)
        self._settle_failure(running, self._judge(running, error), error)
        await self._error_handler.call(context, error)

    def _settle_without_handler(self, running: RunningTask) -> None:
        """The grace is over, or the shutdown: settle the task although its handler goes on."""
        if running.is_settled or running.has_ended or running.ending is None:
            return
        logger.warning(
            "the handler of task %s (%s) goes on although it was asked to end (%s)",
            running.message.id,
            running.message.type,
            running.ending.value,
            extra={"task_id": running.message.id, "queue": running.queue},
        )
        error = outcome.error_of(running.ending)
        self._settle_failure(running, self._judge(running, error), error)
        self._error_handler.call_apart(self.running[running], error)

    def _judge(self, running: RunningTask, error: BaseException) -> Outcome:
        if self._keeps_errors:
            running.error = error
        _call, settings = self._endpoints[running.message.type]
        rules = Rules(
            retry_delay=settings.retry_delay or self._config.retry_delay,
            is_failure=settings.is_failure or self._config.is_failure,
            max_deferrals=settings.max_deferrals,
        )
        now_ns = self._scope.clock.redis_now_ns()
        decided = outcome.judge(
            running.message,
            running.leased.data,
            error,
            rules=rules,
            deferred=running.leased.deferred,
            now_ns=now_ns,
        )
        if running.ending is Ending.CANCELLED:
            return outcome.of_cancellation(running.message, decided, now_ns)
        return decided

    def _settle_failure(self, running: RunningTask, decided: Outcome, error: BaseException) -> None:
        self._task_log.failed(running.task_id, running.queue, running.message, decided, error)
        self._settle(running, decided)

    def _settle(self, running: RunningTask, decided: Outcome) -> None:
        if not running.is_settled:
            running.is_settled = True
            self._settle_outcome(running, decided)
