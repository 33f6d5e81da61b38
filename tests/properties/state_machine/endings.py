"""How attempts end: what the handler does, and what the model expects of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from msgspec.structs import replace

from pyasynq.control_flow import RetryLater, RevokeTask, SkipRetry
from pyasynq.worker.attempt import outcome
from pyasynq.worker.attempt.outcome import Outcome, Rules
from pyasynq.worker.attempt.running_task import Ending, RunningTask
from tests.properties.state_machine.model import DELETED, SECOND, ModelTask, Verdict, failed

RESULT = b"a result"
LATER_S = 7
NOT_A_FAILURE = "not a failure"
LOST_LEASE = "asynq: task lease expired"
TOO_LATE = "; not retried, because the deadline of the task is over before a retry"


def retry_delay(retried: int, _error: BaseException, _task: object) -> timedelta:
    return timedelta(seconds=10 * (retried + 1), milliseconds=250)


def is_failure(error: BaseException) -> bool:
    return str(error) != NOT_A_FAILURE


Expected = Callable[[ModelTask, int], Verdict]
RULES = Rules(retry_delay=retry_delay, is_failure=is_failure)


@dataclass(frozen=True, slots=True)
class How:
    """One way to end: *error* is what the handler raises; None for a handler that returns."""

    name: str
    error: Callable[[], BaseException] | None
    expected: Expected


def settled(how: How, running: RunningTask, now_ns: int) -> Outcome:
    """The outcome that the worker makes of it."""
    if how is REQUEUED:
        return outcome.REQUEUED
    if how.error is None:
        return outcome.of_success(running.message, RESULT, now_ns)
    return outcome.judge(
        running.message,
        running.leased.data,
        how.error(),
        rules=RULES,
        deferred=running.leased.deferred,
        now_ns=now_ns,
    )


def deleted(task: ModelTask, _now_ns: int) -> Verdict:
    return Verdict(state=DELETED, message=task.message, is_processed=True)


def _returned(task: ModelTask, now_ns: int) -> Verdict:
    if not task.message.retention:
        return deleted(task, now_ns)
    now_s = now_ns // SECOND
    return Verdict(
        state="completed",
        message=replace(task.message, completed_at=now_s),
        score=now_s + task.message.retention,
        result=RESULT,
        is_processed=True,
    )


def _archived(task: ModelTask, text: str, now_ns: int) -> Verdict:
    return Verdict(
        state="archived",
        message=failed(task, text, now_ns, is_failure=False),
        score=now_ns // SECOND,
        is_processed=True,
        is_failed=True,
    )


def _is_too_late(task: ModelTask, due_ns: int) -> bool:
    return 0 < task.message.deadline * SECOND <= due_ns


def judged(task: ModelTask, text: str, now_ns: int, *, counts: bool = True) -> Verdict:
    """Retried, or archived when the retries are used up or the deadline is over before."""
    if task.message.retried >= task.message.retry:
        return _archived(task, text, now_ns)
    due_ns = now_ns + 10 * (task.message.retried + 1) * SECOND + SECOND // 4
    if _is_too_late(task, due_ns):
        return _archived(task, text + TOO_LATE, now_ns)
    return Verdict(
        state="retry",
        message=failed(task, text, now_ns, is_failure=counts),
        score=due_ns // SECOND,
        due_ns=due_ns,
        is_processed=counts,
        is_failed=counts,
    )


def _put_off(task: ModelTask, now_ns: int) -> Verdict:
    due_ns = now_ns + LATER_S * SECOND
    if _is_too_late(task, due_ns):
        return _archived(task, f"RetryLater: retry in {LATER_S} s{TOO_LATE}", now_ns)
    return Verdict(
        state="retry",
        message=task.message,
        score=due_ns // SECOND,
        due_ns=due_ns,
        deferred=task.deferred + 1,
    )


REQUEUED = How("requeue", None, lambda task, _: Verdict(state="pending", message=task.message))
TIMED_OUT = How(
    "time out",
    lambda: outcome.error_of(Ending.TIMED_OUT),
    lambda task, now_ns: judged(task, "context deadline exceeded", now_ns),
)
HOWS = (
    How("return", None, _returned),
    How(
        "fail",
        lambda: ValueError("bad size"),
        lambda task, now_ns: judged(task, "ValueError: bad size", now_ns),
    ),
    How(
        "fail without counting",
        lambda: ValueError(NOT_A_FAILURE),
        lambda task, now_ns: judged(task, f"ValueError: {NOT_A_FAILURE}", now_ns, counts=False),
    ),
    How(
        "fail for good",
        lambda: SkipRetry("no use"),
        lambda task, now_ns: _archived(task, "SkipRetry: no use", now_ns),
    ),
    How("revoke", RevokeTask, deleted),
    How("put off", lambda: RetryLater(timedelta(seconds=LATER_S)), _put_off),
    REQUEUED,
)
