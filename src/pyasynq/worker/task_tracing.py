"""What a worker tells a tracer of its tasks: from attempts and outcomes to plain facts."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pyasynq.broker.decoding import number
from pyasynq.clock import NANOSECONDS, Clock
from pyasynq.control_flow import RetryLater, RevokeTask
from pyasynq.errors import PyasynqError
from pyasynq.task import NO_HEADERS, Task
from pyasynq.tracing import Ended, Headers, TaskFacts, Tracing
from pyasynq.wire.error_text import LEASE_EXPIRED
from pyasynq.wire.message import TaskMessage
from pyasynq.worker.attempt import outcome
from pyasynq.worker.attempt.outcome import (
    WORDS,
    Archived,
    Cancelled,
    Lost,
    Outcome,
    Retried,
)
from pyasynq.worker.attempt.running_task import RunningTask
from pyasynq.worker.observers import Observer


class TaskTracing:
    """The spans of one worker.

    Args:
        server_id: of the worker.
        address: where Redis is.
        drops_errors: whether nobody else needs the error of an attempt once its span has it.
    """

    def __init__(
        self, tracing: Tracing, clock: Clock, *, server_id: str, address: str, drops_errors: bool
    ) -> None:
        self._tracing = tracing
        self._clock = clock
        self._server_id = server_id
        self._address = address
        self._drops_errors = drops_errors

    @property
    def observer(self) -> Observer:
        """What it is to be called with."""
        return Observer(
            on_start=self.on_start,
            on_settle=self.on_settle,
            on_recovered=self.on_recovered,
            keeps_errors=True,
        )

    def on_start(self, running: RunningTask) -> None:
        """Begin the span of an attempt whose handler is about to start."""
        since_ns = number(running.leased.pending_since_ns)  # Redis may hold any
        wait_s = None
        if since_ns is not None and since_ns > 0:
            wait_s = max(0, running.started_ns - since_ns) / NANOSECONDS
        facts = self._facts(running.message, running.queue, running.task_id, wait_s)
        running.span = self._tracing.process(facts)

    def on_settle(self, running: RunningTask, decided: Outcome) -> None:
        """End the span of an attempt."""
        if running.span is not None:
            ended = ended_of(decided, running.error, self._clock.redis_now_ns())
            running.span.end(ended)
        if self._drops_errors:
            running.error = None  # an error knows its frames, which know the task

    def on_recovered(
        self, queue: str, task_id: str, message: TaskMessage, decided: Outcome
    ) -> None:
        """Make the span of a recovery."""
        error = PyasynqError(LEASE_EXPIRED)
        ended = ended_of(decided, error, self._clock.redis_now_ns())
        self._tracing.recover(self._facts(message, queue, task_id, None), ended)

    def _facts(
        self, message: TaskMessage, queue: str, task_id: str, wait_s: float | None
    ) -> TaskFacts:
        return TaskFacts(
            type=message.type,
            queue=queue,
            id=task_id,
            headers=message.headers,
            payload=message.payload,
            attempt=message.retried + 1,
            max_retry=message.retry,
            wait_s=wait_s,
            server_id=self._server_id,
            address=self._address,
        )


@contextmanager
def aggregating(
    tracing: Tracing | None, queue: str, group: str, tasks: Sequence[Task], address: str
) -> Iterator[Headers]:
    """Run a block inside the span of a call of an aggregator; yield what its task carries.

    Args:
        tracing: None for no span.
        tasks: the members; without any there is no call, and no span.
    """
    if tracing is None or not tasks:
        yield NO_HEADERS
        return
    members = [task.headers for task in tasks]
    span = tracing.aggregate(queue=queue, group=group, members=members, address=address)
    leave = span.enter()
    ended = Ended()
    try:
        yield span.headers
    except BaseException as error:
        ended = Ended(error=error)
        raise
    finally:
        leave()
        span.end(ended)


def ended_of(decided: Outcome, error: BaseException | None, now_ns: int) -> Ended:
    """Return what a span is told of an outcome.

    Args:
        error: what the attempt has failed with; None if it has not, or nobody has kept it.
    """
    word, retry_at_ns, delay_s, reason = WORDS[type(decided)], None, 0.0, ""
    control = None if error is None else outcome.control_flow(error)
    if isinstance(decided, Retried):
        retry_at_ns = decided.at_ns
        delay_s = max(0, decided.at_ns - now_ns) / NANOSECONDS
        if decided.deferred:
            word = "deferred"
        if isinstance(control, RetryLater):
            reason = control.reason
    return Ended(
        outcome=word,
        error=None if isinstance(control, RetryLater | RevokeTask) else _shown(decided, error),
        is_failure=_is_failure(decided),
        retry_at_ns=retry_at_ns,
        delay_s=delay_s,
        reason=reason,
    )


def _is_failure(decided: Outcome) -> bool:
    if isinstance(decided, Retried):
        return decided.is_failure
    return isinstance(decided, Archived | Cancelled | Lost)


def _shown(decided: Outcome, error: BaseException | None) -> BaseException | None:
    """Return the error of an attempt, and for a lost one what stands for it."""
    if error is None and isinstance(decided, Lost):
        return PyasynqError(LEASE_EXPIRED)
    return error
