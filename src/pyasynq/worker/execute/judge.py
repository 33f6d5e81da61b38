"""Decides what becomes of a task whose handler has ended."""

import logging

from pyasynq.clock import Clock
from pyasynq.control_flow import SkipRetry
from pyasynq.errors import PayloadError
from pyasynq.shown import shown
from pyasynq.worker.attempt import outcome
from pyasynq.worker.attempt.outcome import Outcome, Rules
from pyasynq.worker.attempt.running_task import Ending, RunningTask
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.execute.endpoints import Endpoints

logger = logging.getLogger("pyasynq.task")


class Judge:
    """The decisions of one server.

    Args:
        keeps_errors: keep what a task failed with until its outcome is written.
    """

    def __init__(
        self, config: ServerConfig, endpoints: Endpoints, clock: Clock, *, keeps_errors: bool
    ) -> None:
        self._config = config
        self._endpoints = endpoints
        self._clock = clock
        self._keeps_errors = keeps_errors

    def of_return(self, running: RunningTask, result: object) -> Outcome:
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
        now_ns = self._clock.redis_now_ns()
        if fault is not None:
            return self._without_result(running, fault, now_ns)
        return outcome.of_success(message, kept, now_ns)

    def _without_result(self, running: RunningTask, fault: str, now_ns: int) -> Outcome:
        """Return what becomes of a task whose work is done, but whose result cannot be kept."""
        message = running.message
        settings = self._endpoints[message.type].settings
        if settings.on_invalid_result == "archive":
            # The cause decides what becomes of the task; the stored text is that of the error.
            text = f"the result of {message.type!r} cannot be stored: {fault}"
            raise PayloadError(text) from SkipRetry()
        logger.error(
            "%s[%s] is done, but its result cannot be stored: %s; it is completed without one",
            shown(message.type),
            shown(running.task_id),
            fault,
            extra={
                "task_id": shown(running.task_id),
                "queue": running.queue,
                "task_type": shown(message.type),
            },
        )
        return outcome.of_success_without_result(message, fault, now_ns)

    def of_failure(self, running: RunningTask, error: BaseException) -> Outcome:
        """Return what becomes of a task that has failed with *error*."""
        if self._keeps_errors:
            running.error = error
        settings = self._endpoints[running.message.type].settings
        rules = Rules(
            retry_delay=settings.retry_delay or self._config.retry_delay,
            is_failure=settings.is_failure or self._config.is_failure,
            max_deferrals=settings.max_deferrals,
        )
        now_ns = self._clock.redis_now_ns()
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
