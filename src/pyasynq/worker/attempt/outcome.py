"""What becomes of a task once its handler has ended: pure decisions.

The table of asynq v0.26 processor.go (handleSucceededMessage, handleFailedMessage):

    returned                  retention > 0 → complete, else done
    RevokeTask                dropped: done, nothing is kept
    RetryLater                deferred: retried later, not counted (ours; Go has no such thing)
    SkipRetry                 archived
    any other exception       archived if the retries are used up, else retried later
    a retry after the deadline of the task   archived: it could never be in time (ours)
    asked to end by shutdown  back to the front of the queue
    lease lost                nothing is written: another worker may have the task
    cancelled                 as the cancelling call asked (a field of ours), else as above
"""

import asyncio
import logging
from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import msgspec
from msgspec.structs import replace

from pyasynq.clock import NANOSECONDS
from pyasynq.control_flow import RetryLater, RevokeTask, SkipRetry
from pyasynq.errors import PyasynqError
from pyasynq.options import duration_fault, to_seconds
from pyasynq.retry import IsFailure, RetryDelay, always_failure, asynq_default
from pyasynq.shown import shown
from pyasynq.task import Task, stored_task
from pyasynq.wire.error_text import (
    CONTEXT_CANCELLED,
    DEADLINE_EXCEEDED,
    LEASE_EXPIRED,
    LONGEST_ERROR_BYTES,
    RESULT_NOT_KEPT,
    error_text,
)
from pyasynq.wire.message import TaskMessage, clean_text, encode
from pyasynq.wire.source_line import has_passed_users_code
from pyasynq.worker.attempt.running_task import Ending

logger = logging.getLogger("pyasynq.outcome")

TOO_LATE = "; not retried, because the deadline of the task is over before a retry"
MOST_LINKS = 100  # of an exception chain; a longer one is not a chain a person wrote


class Finished(msgspec.Struct, frozen=True):
    """The task is done and deleted."""


class Dropped(Finished, frozen=True):
    """The task is deleted without success: revoked, cancelled so, or expired before its start."""


class Completed(msgspec.Struct, frozen=True):
    """The task is done and kept for its retention, with *result*."""

    data: bytes
    expires_at_s: int
    result: bytes | None


class Retried(msgspec.Struct, frozen=True):
    """The task runs again at *at_ns*."""

    data: bytes
    at_ns: int
    is_failure: bool
    deferred: int


class Archived(msgspec.Struct, frozen=True):
    """The task is kept for a person to look at."""

    data: bytes
    error: str


class Requeued(msgspec.Struct, frozen=True):
    """The task goes back to the front of its queue."""


class Lost(msgspec.Struct, frozen=True):
    """Another worker may have the task; nothing is written."""


class Cancelled(msgspec.Struct, frozen=True):
    """The attempt was cancelled; Redis may hold what the cancelling call asked for.

    Attributes:
        otherwise: what becomes of the task if nothing was asked for.
        archived: what becomes of it if "archive" was asked for.
    """

    otherwise: "Outcome"
    archived: Archived


Outcome = Finished | Completed | Retried | Archived | Requeued | Lost | Cancelled

FINISHED = Finished()
DROPPED = Dropped()
REQUEUED = Requeued()
LOST = Lost()

WORDS: dict[type[Outcome], str] = {
    Finished: "done",
    Completed: "completed",
    Retried: "retried",
    Archived: "archived",
    Dropped: "dropped",
    Requeued: "requeued",
    Lost: "lost",
    Cancelled: "cancelled",
}
"""The word for each kind of outcome, as logs show it."""


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """How failures are judged: the settings of the handler over those of the server."""

    retry_delay: RetryDelay
    is_failure: IsFailure
    max_deferrals: int | None = None


def of_success(message: TaskMessage, result: object, now_ns: int) -> Outcome:
    """Decide what becomes of a task whose handler returned *result*.

    Args:
        result: bytes or None, if the task is kept; see `result_fault`.
    """
    if message.retention <= 0:
        return FINISHED
    now_s = now_ns // NANOSECONDS
    data = encode(replace(message, completed_at=now_s))
    kept = result if isinstance(result, bytes) else None
    return Completed(data, now_s + message.retention, kept)


def result_fault(result: object, largest_bytes: int) -> str | None:
    """Return why *result* cannot be kept; None if it can be."""
    if result is None:
        return None
    if not isinstance(result, bytes):
        return f"{type(result).__name__} is not bytes"
    if len(result) > largest_bytes:
        return f"{len(result)} bytes are more than max_result_size, which is {largest_bytes}"
    return None


def of_success_without_result(message: TaskMessage, reason: str, now_ns: int) -> Completed:
    """Decide what becomes of a task whose work is done, but whose result cannot be kept.

    Doing the work again would not help, so the task is completed, with *reason* as its error.
    """
    now_s = now_ns // NANOSECONDS
    text = RESULT_NOT_KEPT + reason
    data = encode(replace(message, completed_at=now_s, error_msg=text))
    return Completed(data, now_s + message.retention, None)


def of_failure(
    message: TaskMessage,
    data: bytes,
    error: BaseException,
    *,
    rules: Rules,
    deferred: int,
    now_ns: int,
) -> Outcome:
    """Decide what becomes of a task whose attempt ended with *error*.

    Args:
        message: the task as dequeued.
        data: its bytes, as stored.
        error: what the handler raised, or how it was ended.
        rules: how to judge it.
        deferred: how many RetryLater the task has been granted in a row.
        now_ns: the local time.
    """
    raised = control_flow(error)
    if isinstance(raised, RevokeTask):
        return DROPPED
    if isinstance(raised, RetryLater) and _is_granted(rules, deferred):
        at_ns = now_ns + int(raised.delay.total_seconds() * NANOSECONDS)
        if _is_too_late(message, at_ns):
            return _archived(message, _too_late_text(error), now_ns)
        kept = _with_reason(message, data, raised.reason)
        return Retried(kept, at_ns, is_failure=False, deferred=deferred + 1)
    if isinstance(raised, SkipRetry) or message.retried >= message.retry:
        return _archived(message, error_text(error), now_ns)
    is_failure = bool(rules.is_failure(error))
    at_ns = now_ns + max(0, int(_delay_s(rules, message, error) * NANOSECONDS))
    if _is_too_late(message, at_ns):
        return _archived(message, _too_late_text(error), now_ns)
    retried = message.retried + 1 if is_failure else message.retried
    failed = _failed(message, error_text(error), now_ns, retried=retried)
    return Retried(encode(failed), at_ns, is_failure=is_failure, deferred=0)


def judge(
    message: TaskMessage,
    data: bytes,
    error: BaseException,
    *,
    rules: Rules,
    deferred: int,
    now_ns: int,
) -> Outcome:
    """Decide as `of_failure`; a policy of the user's that fails gives way to the default."""
    decide = partial(of_failure, message, data, error, deferred=deferred, now_ns=now_ns)
    try:
        return decide(rules=rules)
    except BaseException as failure:  # code of the user's, which may also call sys.exit
        _tear_off(failure, error)
        logger.exception(
            "retry_delay or is_failure failed on task %s; using the defaults", shown(message.id)
        )
        defaults = Rules(
            retry_delay=asynq_default,
            is_failure=always_failure,
            max_deferrals=rules.max_deferrals,
        )
        return decide(rules=defaults)


def of_cancellation(message: TaskMessage, otherwise: Outcome, now_ns: int) -> Cancelled:
    """Decide what may become of a task whose attempt was cancelled.

    Args:
        otherwise: what becomes of it as a failure, SkipRetry and the like included.
    """
    if isinstance(otherwise, Archived):
        return Cancelled(otherwise, otherwise)
    return Cancelled(otherwise, _archived(message, CONTEXT_CANCELLED, now_ns))


def as_asked(cancelled: Cancelled, then: object) -> Outcome:
    """Decide by what the cancelling call asked for; an unknown text is ignored."""
    if then == "drop":
        return DROPPED
    return cancelled.archived if then == "archive" else cancelled.otherwise


def error_of(ending: Ending, raised: BaseException | None = None) -> BaseException:
    """Return the error that stands for an attempt that was asked to end.

    Args:
        raised: how the handler ended then; it becomes the cause if it tells where the handler was.
    """
    error: BaseException = PyasynqError(LEASE_EXPIRED)
    if ending is Ending.TIMED_OUT:
        error = TimeoutError(DEADLINE_EXCEEDED)
    elif ending is Ending.CANCELLED:
        error = asyncio.CancelledError(CONTEXT_CANCELLED)
    if raised is not None and has_passed_users_code(raised):
        error.__cause__ = raised
    return error


def control_flow(error: BaseException) -> BaseException | None:
    """Return the first SkipRetry, RevokeTask or RetryLater in the chain of *error*."""
    for link in chain(error):
        if isinstance(link, SkipRetry | RevokeTask | RetryLater):
            return link
    return None


def chain(error: BaseException) -> Iterator[BaseException]:
    """Yield *error*, then its members, causes and contexts, the nearest first, each once."""
    waiting, seen = [error], set[int]()
    while waiting and len(seen) < MOST_LINKS:
        link = waiting.pop(0)
        if id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        if isinstance(link, BaseExceptionGroup):
            waiting.extend(link.exceptions)
        if link.__cause__ is not None:
            waiting.append(link.__cause__)
        elif link.__context__ is not None and not link.__suppress_context__:
            waiting.append(link.__context__)


def task_of(message: TaskMessage) -> Task:
    """Return what a handler sees of *message*."""
    return stored_task(message.type, message.payload, message.headers)


def _is_too_late(message: TaskMessage, at_ns: int) -> bool:
    """Whether a retry at *at_ns* would start after the deadline of the task, so never."""
    return message.deadline != 0 and at_ns >= message.deadline * NANOSECONDS


def _too_late_text(error: BaseException) -> str:
    """Return the text of a failure that is not retried, with the reason."""
    return clean_text(error_text(error), LONGEST_ERROR_BYTES - len(TOO_LATE)) + TOO_LATE


def _with_reason(message: TaskMessage, data: bytes, reason: str) -> bytes:
    """Return the bytes of *message* with the reason why it is put off; as they are without one."""
    if not reason:
        return data
    return encode(replace(message, error_msg=clean_text(reason, LONGEST_ERROR_BYTES)))


def _is_granted(rules: Rules, deferred: int) -> bool:
    return rules.max_deferrals is None or deferred < rules.max_deferrals


def _delay_s(rules: Rules, message: TaskMessage, error: BaseException) -> float:
    """Ask how long to wait; the default is used in place of what is not a duration."""
    task = task_of(message)
    delay = rules.retry_delay(message.retried, error, task)
    if isinstance(delay, timedelta):
        return delay.total_seconds()
    what = f"what retry_delay of {shown(message.type)!r} returns"
    fault = duration_fault(what, delay, minimum=timedelta.min)
    if fault is None:
        return to_seconds(delay)
    logger.error("%s; using the default for task %s", fault, shown(message.id))
    return asynq_default(message.retried, error, task).total_seconds()


def _tear_off(failure: BaseException, error: BaseException) -> None:
    """Let the traceback of *failure* not go on with *error*, which it met while it was handled."""
    for link in chain(failure):
        if link.__context__ is error:
            link.__context__ = None


def _archived(message: TaskMessage, text: str, now_ns: int) -> Archived:
    return Archived(encode(_failed(message, text, now_ns, retried=message.retried)), text)


def _failed(message: TaskMessage, text: str, now_ns: int, *, retried: int) -> TaskMessage:
    return replace(message, retried=retried, error_msg=text, last_failed_at=now_ns // NANOSECONDS)
