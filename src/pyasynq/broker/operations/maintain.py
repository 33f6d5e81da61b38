"""Operations that maintain a queue: forward, leases, clean-up. All are safe to repeat."""

from collections.abc import Sequence
from enum import Enum
from itertools import chain
from typing import Any

import msgspec

from pyasynq.broker.decoding import check_size, number, text
from pyasynq.broker.operation import Operation, Repeat
from pyasynq.broker.scripts import load
from pyasynq.clock import NANOSECONDS
from pyasynq.wire.keys import QueueKeys

MOST_BYTES = 1 << 20  # of messages in one answer
MOST_LISTED = 500  # active IDs checked by one call


class Forwarded(msgspec.Struct, frozen=True, kw_only=True):
    """What one pass of forwarding did.

    Attributes:
        moved: how many tasks left the scheduled and the retry set.
        next_due_ns: the earliest time at which another pass makes sense; None if no task waits.
        unreadable: which of the keys "scheduled" and "retry" is not a sorted set, and was skipped.
    """

    moved: int
    next_due_ns: int | None
    unreadable: tuple[str, ...] = ()


class LeaseExpired(msgspec.Struct, frozen=True, kw_only=True):
    """An ID whose lease is over.

    Attributes:
        data: its message, undecoded; None or empty if it has none.
        deferred: how often in a row it was put off by RetryLater.
        unique_until: when its lock is freed, empty for when it is done.
    """

    task_id: str
    data: bytes | None
    deferred: int
    unique_until: str


class ExpiredLeases(msgspec.Struct, frozen=True, kw_only=True):
    """IDs whose lease is over, the earliest expiry first; *has_more*: not all are listed."""

    tasks: list[LeaseExpired]
    has_more: bool


class Unleased(msgspec.Struct, frozen=True, kw_only=True):
    """Active IDs without a lease; *has_more*: not all active IDs were checked."""

    task_ids: list[str]
    has_more: bool


class Healed(Enum):
    """What was done about a lease whose ID is not in the active list."""

    NOTHING_WRONG = 0
    RELEASED = 1  # the lease was removed, since the task is in another state
    RESTORED = 2  # the ID is in the active list again, since the task was nowhere else


def forward(keys: QueueKeys, *, now_ns: int, limit: int = 100) -> Operation[Forwarded]:
    """Make scheduled and retried tasks pending that are due; tasks with a group join their group.

    asynq v0.26 rdb.go forwardCmd: scores are whole seconds. The exact time is in a field that only
    pyasynq writes; it counts only if it is in the second of the score, which a Go program may have
    rewritten.

    Args:
        now_ns: the time of Redis.
        limit: how many tasks of each of the two sets are moved at most.
    """
    check_size(limit)
    return Operation(
        load("forward"),
        (keys.scheduled, keys.retry, keys.pending, keys.groups),
        (keys.task_prefix, keys.group_prefix, now_ns // NANOSECONDS, now_ns, limit),
        _forwarded,
        Repeat.SAFE,
    )


def extend_lease(
    keys: QueueKeys, tasks: Sequence[tuple[str, str]], *, until_s: int
) -> Operation[list[str]]:
    """Extend the leases of running tasks.

    Args:
        tasks: (ID, owner) of each, at most 500.
        until_s: new expiry in Unix seconds; a lease that lasts longer is left as it is.

    Returns:
        IDs that no longer have a lease or have another owner; their handlers must end.
    """
    check_size(len(tasks))
    return Operation(
        load("extend_lease"),
        (keys.lease,),
        (keys.task_prefix, until_s, *chain.from_iterable(tasks)),
        lambda reply: [text(each) for each in reply],
        Repeat.SAFE,
    )


def list_lease_expired(
    keys: QueueKeys, *, cutoff_s: int, skip: int = 0, limit: int = 100
) -> Operation[ExpiredLeases]:
    """List tasks whose lease expired up to *cutoff_s*, about 1 MiB of messages at most."""
    check_size(limit)
    return Operation(
        load("list_lease_expired"),
        (keys.lease,),
        (keys.task_prefix, cutoff_s, skip, limit, MOST_BYTES),
        _expired,
        Repeat.SAFE,
    )


def drop_ghost(keys: QueueKeys, task_id: str, *, cutoff_s: int) -> Operation[bool]:
    """Remove an active ID that has no message, with its lock.

    Returns:
        False if there is a message after all, or its lease was extended beyond *cutoff_s*.
    """
    return Operation(
        load("drop_ghost"),
        (keys.active, keys.lease),
        (keys.task(task_id), task_id, cutoff_s),
        bool,
        Repeat.SAFE,
    )


def list_unleased(
    keys: QueueKeys, *, skip: int = 0, limit: int = MOST_LISTED
) -> Operation[Unleased]:
    """List active IDs that have no lease; checks *limit* active ones, the oldest first."""
    check_size(limit)
    return Operation(
        load("list_unleased"),
        (keys.active, keys.lease),
        (skip, limit),
        lambda reply: Unleased(
            task_ids=[text(each) for each in reply[1:]], has_more=reply[0] == b"1"
        ),
        Repeat.SAFE,
    )


def lease_unleased(
    keys: QueueKeys,
    task_ids: Sequence[str],
    *,
    expiry_s: int,
    skip: int = 0,
    limit: int = MOST_LISTED,
) -> Operation[int]:
    """Give a lease to active IDs that have none; answers how many got one.

    Args:
        task_ids: of the page that `list_unleased` has listed with the same *skip* and *limit*; one
            that is no longer in that page gets no lease. To search the whole list for each would
            hold Redis for too long.
        expiry_s: of the lease.
    """
    check_size(len(task_ids))
    check_size(limit)
    return Operation(
        load("lease_unleased"),
        (keys.active, keys.lease),
        (expiry_s, skip, limit, *task_ids),
        int,
        Repeat.SAFE,
    )


def heal_lease(keys: QueueKeys, task_id: str, *, cutoff_s: int) -> Operation[Healed]:
    """Heal a lease that was over at *cutoff_s* and whose ID is not in the active list."""
    return Operation(
        load("heal_lease"),
        (keys.active, keys.lease),
        (keys.task(task_id), task_id, cutoff_s),
        Healed,
        Repeat.SAFE,
    )


def delete_expired_completed(keys: QueueKeys, *, now_s: int, limit: int = 100) -> Operation[int]:
    """Delete completed tasks whose retention is over; answers how many."""
    check_size(limit)
    return Operation(
        load("delete_expired_completed"),
        (keys.completed,),
        (keys.task_prefix, now_s, limit),
        int,
        Repeat.SAFE,
    )


def trim_archive(
    keys: QueueKeys, *, now_s: int, max_size: int, max_age_s: int, limit: int = 100
) -> Operation[int]:
    """Delete archived tasks with their locks; answers how many.

    asynq v0.26 rdb.go archiveCmd trims the archive with every write; here that is a call of its
    own, with a limit.

    Args:
        max_size: how many archived tasks are kept.
        max_age_s: for how long they are kept.
        limit: how many tasks this call deletes at most.
    """
    check_size(limit)
    return Operation(
        load("trim_archive"),
        (keys.archived,),
        (keys.task_prefix, now_s - max_age_s, max_size, limit),
        int,
        Repeat.SAFE,
    )


def _forwarded(reply: Any) -> Forwarded:
    unreadable = tuple(text(each) for each in reply[2:])
    return Forwarded(moved=reply[0], next_due_ns=number(reply[1]), unreadable=unreadable)


def _expired(reply: Any) -> ExpiredLeases:
    tasks = [
        LeaseExpired(
            task_id=text(reply[i]),
            data=reply[i + 1],
            deferred=number(reply[i + 2]) or 0,
            unique_until=text(reply[i + 3]),
        )
        for i in range(1, len(reply), 4)
    ]
    return ExpiredLeases(tasks=tasks, has_more=reply[0] == b"1")
