"""Operations of a worker that takes tasks: dequeue, waiting for a push, finding lost tasks.

An owner is a token that marks the tasks of one dequeue. It is chosen before the call, so the tasks
can be found by it if the answer is lost.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from pyasynq.broker.decoding import any_number, check_size, number, text
from pyasynq.broker.operation import Operation, Repeat, ignore
from pyasynq.broker.scripts import load
from pyasynq.wire.keys import QueueKeys

NEWEST_ACTIVE = 2_000  # active tasks that are searched for those of an owner

MOST_WAITERS = 8  # for one queue, of all servers together
LATE_S = 30  # so much longer is a server registered than it waits, so a live one stays so

_FIELDS = 4
_PAUSED, _MAY_WAIT = 1, 2


class Leased(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An active task as a dequeue returns it.

    Attributes:
        task_id: the ID found in the queue.
        data: its message, undecoded.
        deferred: how often in a row it was put off by RetryLater.
        expires_at_ns: it must not start later than this; None for no such limit.
        unique_until: when its lock is freed; empty for when it is done.
        pending_since_ns: when it became pending; None if that is not known.
    """

    task_id: str
    data: bytes
    deferred: int = 0
    expires_at_ns: int | None = None
    unique_until: str = ""
    pending_since_ns: int | None = None


class Waiter(msgspec.Struct, frozen=True, kw_only=True):
    """A server that wants to block until a task is pushed, if there is none.

    A push wakes every blocked server, so only eight may wait for each queue.

    Attributes:
        server_id: the same in each call.
        now_s: the time of Redis.
        waits_s: how long it waits at most before it asks again.
    """

    server_id: str
    now_s: int
    waits_s: int = 60


class Fetched(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The answer to a dequeue.

    Attributes:
        tasks: the oldest first.
        is_paused: whether the queue is paused.
        may_wait: whether there was no task, and the waiter may block until one is pushed.
        dropped: IDs in the pending list that had no task and were removed.
    """

    tasks: list[Leased] = []
    is_paused: bool = False
    may_wait: bool = False
    dropped: list[str] = []


def dequeue_many(
    keys: QueueKeys,
    *,
    count: int,
    owner: str,
    lease_expires_at_s: int,
    waiter: Waiter | None = None,
) -> Operation[Fetched]:
    """Lease the oldest pending tasks of a queue.

    They move to the active list, get a lease, and are marked with *owner*. IDs that have no task
    are removed, at most 100 in a call.

    Args:
        count: from 1 to 500.
        owner: a token that was never used before.
        lease_expires_at_s: Unix seconds.
        waiter: the server that would wait for a push.
    """
    check_size(count)
    waiting: tuple[str | int, ...] = ("", 0, 0, 0)
    if waiter is not None:
        until_s = waiter.now_s + waiter.waits_s + LATE_S
        waiting = (waiter.server_id, waiter.now_s, until_s, MOST_WAITERS)
    return Operation(
        load("dequeue_many"),
        (keys.pending, keys.paused, keys.active, keys.lease, keys.waiters),
        (keys.task_prefix, count, owner, lease_expires_at_s, *waiting),
        _fetched,
        Repeat.NEVER,
    )


def wait_for_push(keys: QueueKeys, *, within_s: int) -> Operation[bool]:
    """Block the connection until the queue has a pending task; answers whether it had one in time.

    The last task is moved to its own position, so nothing changes. Safe to repeat.
    """
    return Operation(
        "BLMOVE",
        (keys.pending, keys.pending),
        ("RIGHT", "RIGHT", within_s),
        lambda reply: reply is not None,
        Repeat.SAFE,
    )


def wait_no_more(keys: QueueKeys, server_id: str) -> Operation[None]:
    """Remove a server from those that wait for a push. Safe to repeat."""
    return Operation("ZREM", (keys.waiters,), (server_id,), ignore, Repeat.SAFE)


def list_owned(keys: QueueKeys, *, owner: str, lease_expires_at_s: int) -> Operation[list[Leased]]:
    """Find the active tasks of one dequeue among the 2,000 newest active ones. Safe to repeat.

    Their leases must be those of the dequeue: Go keeps the owner of a task that it takes over.
    """
    return Operation(
        load("list_owned"),
        (keys.active, keys.lease),
        (keys.task_prefix, owner, NEWEST_ACTIVE, lease_expires_at_s),
        lambda reply: _leased(reply, 0),
        Repeat.SAFE,
    )


def _fetched(reply: Any) -> Fetched:
    if reply[0] == _PAUSED:
        return Fetched(is_paused=True)
    dropped = [text(each) for each in reply[1]]
    return Fetched(tasks=_leased(reply, 2), dropped=dropped, may_wait=reply[0] == _MAY_WAIT)


def _leased(reply: Any, start: int) -> list[Leased]:
    ids, messages, since, others = (reply[start + i :: _FIELDS] for i in range(_FIELDS))
    return [
        Leased(
            task_id=task_id.decode("utf-8", "surrogateescape"),
            data=data,
            pending_since_ns=any_number(pending_since),
        )
        if other is None
        else _unusual(task_id, data, pending_since, other)
        for task_id, data, pending_since, other in zip(ids, messages, since, others, strict=True)
    ]


def _unusual(task_id: bytes, data: bytes, pending_since: Any, other: Sequence[Any]) -> Leased:
    """Return a task that may have fields that most tasks lack."""
    deferred, expires_at, unique_until = other
    return Leased(
        task_id=text(task_id),
        data=data or b"",
        deferred=number(deferred) or 0,
        expires_at_ns=number(expires_at),
        unique_until=text(unique_until),
        pending_since_ns=number(pending_since),
    )
