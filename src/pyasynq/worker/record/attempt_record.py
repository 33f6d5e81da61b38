"""From the outcome of a task to the record of its attempt; pure.

outcome written      the attempt ended as                                      the task is
done, completed      succeeded                                                 deleted, completed
retried, archived    failed; timed_out or cancelled if it was asked to end;    retried, archived
skipped_retry after SkipRetry; deferred after RetryLater
dropped              revoked after RevokeTask, else cancelled                  deleted
requeued             requeued                                                  requeued
lost                 lost                                                      not known here
"""

from pyasynq.clock import NANOSECONDS
from pyasynq.control_flow import RevokeTask, SkipRetry
from pyasynq.wire.attempts import AttemptRecord, Ending, Then
from pyasynq.wire.error_text import LEASE_EXPIRED
from pyasynq.wire.message import TaskMessage
from pyasynq.worker.attempt.outcome import (
    Archived,
    Completed,
    Dropped,
    Finished,
    Lost,
    Outcome,
    Requeued,
    Retried,
    control_flow,
)
from pyasynq.worker.attempt.running_task import Ending as AskedToEnd
from pyasynq.worker.attempt.running_task import RunningTask

LATEST_NS = 2**63 - 1

_ASKED: dict[AskedToEnd | None, Ending] = {
    AskedToEnd.TIMED_OUT: "timed_out",
    AskedToEnd.CANCELLED: "cancelled",
}
_ALWAYS: dict[type[Outcome], tuple[Ending, Then | str]] = {
    Finished: ("succeeded", "deleted"),
    Completed: ("succeeded", "completed"),
    Requeued: ("requeued", "requeued"),
    Lost: ("lost", ""),
}


def record_of_start(running: RunningTask, worker: str) -> AttemptRecord:
    """Return the record of an attempt that goes on.

    Args:
        worker: host, process and ID of the server.
    """
    return AttemptRecord(
        number=running.message.retried + 1,
        started_ns=running.started_ns,
        waited_ns=waited_ns(running),
        worker=worker,
    )


def record_of_end(
    running: RunningTask, outcome: Outcome, worker: str, *, error: str, traceback: str
) -> AttemptRecord:
    """Return the record of an attempt whose outcome is in Redis."""
    ending, then = ending_of(running, outcome)
    return AttemptRecord(
        number=running.message.retried + 1,
        outcome=ending,
        then=then,
        started_ns=running.started_ns,
        ended_ns=max(running.ended_ns, running.started_ns),
        waited_ns=waited_ns(running),
        retry_at_ns=_retry_at_ns(outcome),
        error=LEASE_EXPIRED if isinstance(outcome, Lost) else error,
        traceback=traceback,
        worker=worker,
    )


def record_of_recovery(message: TaskMessage, outcome: Outcome, now_ns: int) -> AttemptRecord:
    """Return the record of an attempt whose server is gone, by who has recovered its task."""
    return AttemptRecord(
        number=message.retried + 1,
        outcome="lost",
        then=_then_of_failure(outcome),
        ended_ns=now_ns,
        retry_at_ns=_retry_at_ns(outcome),
        error=LEASE_EXPIRED,
    )


def ending_of(running: RunningTask, outcome: Outcome) -> tuple[Ending, Then | str]:
    """Return how an attempt has ended, and what became of its task; empty if that is not known."""
    always = _ALWAYS.get(type(outcome))
    if always is not None:
        return always
    raised = None if running.error is None else control_flow(running.error)
    if isinstance(outcome, Dropped):
        return "revoked" if isinstance(raised, RevokeTask) else "cancelled", "deleted"
    then = _then_of_failure(outcome)
    if isinstance(outcome, Retried) and outcome.deferred:
        return "deferred", then
    if isinstance(raised, SkipRetry):
        return "skipped_retry", then
    return _ASKED.get(running.ending, "failed"), then


def waited_ns(running: RunningTask) -> int | None:
    """Return for how long a task was pending before; None if that is not known."""
    since_ns = running.leased.pending_since_ns
    if since_ns is None or not 0 < since_ns <= LATEST_NS:
        return None
    return max(0, running.started_ns - since_ns)


def microseconds(time_ns: int) -> int:
    """Return a time in microseconds, which a score of Redis holds exactly."""
    return time_ns * 1_000_000 // NANOSECONDS


def _then_of_failure(outcome: Outcome) -> Then:
    return "archived" if isinstance(outcome, Archived) else "retried"


def _retry_at_ns(outcome: Outcome) -> int:
    return min(outcome.at_ns, LATEST_NS) if isinstance(outcome, Retried) else 0
