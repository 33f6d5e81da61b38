"""What becomes of a task whose lease is over: pure decisions.

    no message, or an empty one   dropped: there is nothing to run
    bytes that are not a message  quarantined: archived, the bytes as they are
    retries used up               archived
    else                          retried

The queue and the ID are those it was found by. A message that names others is stored with these:
Go Asynq builds its keys from the message and would stumble over it again.
"""

import msgspec
from msgspec.structs import replace

from pyasynq.broker.operation import Operation
from pyasynq.broker.operations import finish, maintain
from pyasynq.broker.operations.finish import Fence, Verdict
from pyasynq.broker.operations.maintain import LeaseExpired
from pyasynq.errors import PayloadError, PyasynqError
from pyasynq.wire.error_text import LEASE_EXPIRED
from pyasynq.wire.keys import QueueKeys
from pyasynq.wire.message import TaskMessage, decode
from pyasynq.worker.attempt import outcome
from pyasynq.worker.attempt.outcome import Archived, Outcome, Rules
from pyasynq.worker.attempt.writes import FreesLock, item_of, write_items

UNREADABLE = TaskMessage()


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What is done with one task.

    Attributes:
        kind: "dropped", "quarantined", "archived" or "retried".
        operation: does it; answers whether the task was still there to be recovered.
        note: what a person should know of it; empty for nothing.
        message: the task, with the names it was found by; an empty one if it cannot be read.
        outcome: what becomes of the task; None where there is none.
    """

    task_id: str
    kind: str
    operation: Operation[list[Verdict]] | Operation[bool]
    note: str = ""
    message: TaskMessage = UNREADABLE
    outcome: Outcome | None = None


def decide(
    keys: QueueKeys,
    expired: LeaseExpired,
    *,
    cutoff_s: int,
    now_ns: int,
    rules: Rules,
    frees_lock: FreesLock,
) -> Step:
    """Decide about a task whose lease was over at *cutoff_s*."""
    task_id, fence = expired.task_id, Fence(lease_cutoff_s=cutoff_s)
    if not expired.data:
        ghost = maintain.drop_ghost(keys, task_id, cutoff_s=cutoff_s)
        return Step(task_id=task_id, kind="dropped", operation=ghost, note="had no message")
    try:
        message = decode(expired.data)
    except PayloadError:
        return Step(
            task_id=task_id,
            kind="quarantined",
            operation=finish.quarantine(keys, task_id, fence, now_ns=now_ns),
            note="cannot be read",
            outcome=Archived(expired.data, LEASE_EXPIRED),
        )
    named = _named(message, keys.queue, task_id)
    decided = _judged(named, expired, rules, now_ns)
    item = item_of(
        decided,
        task_id,
        fence,
        unique_key=named.unique_key,
        is_lock_freed=frees_lock(expired.unique_until),
    )
    return Step(
        task_id=task_id,
        kind="archived" if isinstance(decided, Archived) else "retried",
        operation=write_items(keys, decided, [item], now_ns=now_ns),
        note="" if named is message else _other_names(message),
        message=named,
        outcome=decided,
    )


def _judged(message: TaskMessage, expired: LeaseExpired, rules: Rules, now_ns: int) -> Outcome:
    return outcome.judge(
        message,
        expired.data or b"",
        PyasynqError(LEASE_EXPIRED),
        rules=rules,
        deferred=expired.deferred,
        now_ns=now_ns,
    )


def _other_names(message: TaskMessage) -> str:
    return f"named {message.id!r} of queue {message.queue!r} in its message"


def _named(message: TaskMessage, queue: str, task_id: str) -> TaskMessage:
    """Return *message* with the names it was found by, as far as a message can hold them."""
    if (message.id, message.queue) == (task_id, queue) or not _is_unicode(task_id):
        return message
    return replace(message, id=task_id, queue=queue)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
