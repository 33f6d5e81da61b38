"""What `run_pending` tells of each attempt, and what it raises."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from pyasynq.app.harness.enqueue_log import EnqueueLog
from pyasynq.control_flow import RetryLater, RevokeTask
from pyasynq.errors import PayloadError, PyasynqError
from pyasynq.wire.source_line import is_machinery
from pyasynq.worker.attempt import outcome
from pyasynq.worker.handlers.context import TaskContext, running_of
from pyasynq.worker.handlers.middleware import CallNext

DecodeResult = Callable[[str, bytes], Any]
"""Makes a value of a task type and what was stored as its result."""

IsFailure = Callable[[str, BaseException], bool]
"""Says of a task type whether an exception counts as a failure."""

_ENDS_AN_ATTEMPT = Exception, SystemExit, GeneratorExit, asyncio.CancelledError


@dataclass(frozen=True, slots=True, kw_only=True)
class HandledTask:
    """An attempt that was made in a test.

    Attributes:
        id: unique in the queue.
        type: the task type.
        queue: the queue.
        attempt: from 1.
        result: what the function returned, as `TaskHandle.result` would give it, also for a task
            without a retention; None if it failed.
        error: the exception the attempt ended with, as the handler raised it, or the TimeoutError
            or CancelledError that stands for its end; None if it returned.
        is_failure: whether `raises=True` raises the error: not if it is a RetryLater or a
            RevokeTask, or if `is_failure` of the task or the App does not count it.
    """

    id: str
    type: str
    queue: str
    attempt: int
    result: Any = None
    error: BaseException | None = None
    is_failure: bool = False


class Recorder:
    """Writes down the attempts of one run.

    Attributes:
        handled: the attempts, in the order of their ends.
        of_aggregators: what kept groups from being aggregated.
        interrupt: what must end the run, such as a KeyboardInterrupt in a handler or an aggregator;
            None if nothing must.
    """

    def __init__(self, decode: DecodeResult, is_failure: IsFailure, log: EnqueueLog) -> None:
        self._log = log
        self.handled: list[HandledTask] = []
        self.of_aggregators: list[BaseException] = []
        self.interrupt: BaseException | None = None
        self._decode = decode
        self._is_failure = is_failure

    async def record(self, context: TaskContext, call_next: CallNext) -> Any:
        """Write down an attempt: the outermost middleware."""
        result, error = None, None
        self._log.on_attempt(context.queue, context.task_id)
        try:
            result = await call_next(context)
        except BaseException as raised:
            error = raised
            if not isinstance(raised, _ENDS_AN_ATTEMPT):
                self.interrupt = raised
            raise
        finally:
            self._write_down(context, result, error)
        self._log.on_success(context.queue, context.task_id)
        return result

    @property
    def has_failed(self) -> bool:
        """Whether there is anything that `raises=True` raises."""
        return bool(self.of_aggregators) or any(each.is_failure for each in self.handled)

    def on_aggregator_failure(self, error: Exception) -> None:
        """Write down what has kept a group from being aggregated."""
        # What an aggregator raised is the cause of a plain PyasynqError; see AggregateMaker.
        cause = error.__cause__ if type(error) is PyasynqError else None
        raised = error if cause is None else cause
        self.of_aggregators.append(raised)
        if not isinstance(raised, _ENDS_AN_ATTEMPT):
            self.interrupt = raised

    def _write_down(
        self, context: TaskContext, result: object, error: BaseException | None
    ) -> None:
        running = running_of(context)
        if running.ending is not None and (error is None or outcome.control_flow(error) is None):
            error = outcome.error_of(running.ending)
        if error is None and result is None:
            result = running.written_result
        self.handled.append(
            HandledTask(
                id=context.task_id,
                type=context.task_type,
                queue=context.queue,
                attempt=context.attempt,
                result=self._value(context.task_type, result) if error is None else None,
                error=error,
                is_failure=error is not None and self._counts(context.task_type, error),
            )
        )

    def _value(self, task_type: str, result: object) -> object:
        if not isinstance(result, bytes):
            return result
        try:
            return self._decode(task_type, result)
        except PayloadError:
            return result

    def _counts(self, task_type: str, error: BaseException) -> bool:
        if isinstance(outcome.control_flow(error), RetryLater | RevokeTask):
            return False
        return self._is_failure(task_type, error)


def raise_failures(
    handled: Iterable[HandledTask], of_aggregators: Iterable[BaseException] = ()
) -> None:
    """Raise what made attempts and aggregators fail: the exception itself, or a group of several.

    The traceback begins at the first frame that is not ours.
    """
    attempts, others = list(handled), list(of_aggregators)
    failures = [each.error for each in attempts if each.is_failure and each.error is not None]
    text = f"{len(failures)} of {len(attempts)} attempts failed"
    if others:
        text += f", and {len(others)} of aggregators"
        failures += others
    for error in failures:
        error.__traceback__ = _without_our_frames(error.__traceback__)
    if len(failures) == 1:
        raise failures[0]
    if failures:
        raise BaseExceptionGroup(text, failures)


def _without_our_frames(trace: TracebackType | None) -> TracebackType | None:
    own = trace
    while own is not None and is_machinery(own.tb_frame.f_code.co_filename):
        own = own.tb_next
    return own or trace
