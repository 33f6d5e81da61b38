"""Operations of a worker that aggregates groups.

group ── check_aggregation ──► aggregation set ── finish_aggregation ──► aggregate; members deleted
  ▲                                  │
  └──── reclaim_aggregation_sets ◄───┘ if its worker is gone: the deadline of the set is over
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any, TypedDict

import msgspec

from pyasynq.broker.decoding import MOST_TASKS, check_size, number, text, whole
from pyasynq.broker.new_tasks.prepare import PreparedTask
from pyasynq.broker.operation import Argument, Operation, Repeat, ignore
from pyasynq.broker.operations.enqueue import described, refusal
from pyasynq.broker.scripts import load
from pyasynq.clock import NANOSECONDS
from pyasynq.errors import ConfigError, EnqueueError
from pyasynq.task import TaskState
from pyasynq.wire.keys import QueueKeys

MOST_BYTES = 1 << 20  # of messages in one answer
FORGOTTEN_AFTER_S = 600  # no forwarder is ever that late
PUT_OFF_S = 120  # until a set that cannot be given back is tried again

_UNLISTED, _DONE, _REFUSED = 0, 1, 2


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A task in an aggregation set.

    Attributes:
        data: its message, undecoded; None or empty if it has none.
        expires_at_ns: it must not be aggregated later than this; None for no such limit.
    """

    task_id: str
    data: bytes | None
    expires_at_ns: int | None


class Members(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the members of a set, the oldest first; *has_more*: there are more pages."""

    deadline_s: int
    members: list[Member]
    has_more: bool


class Aggregated(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to `finish_aggregation`.

    Attributes:
        is_done: whether the members are deleted and the aggregate, if there is one, is stored.
        refusal: why the aggregate was not stored; then nothing was changed.
    """

    is_done: bool
    refusal: EnqueueError | None = None


class Reclaimed(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to `reclaim_aggregation_sets`.

    Attributes:
        moved: how many members are in their groups again.
        has_more: whether another call may find more.
        put_off: how many sets are left for later, since the key of their group is not a sorted set.
    """

    moved: int
    has_more: bool
    put_off: int


class DueLimits(TypedDict):
    """When a group is due; 0 for no such limit."""

    grace_s: int
    max_delay_s: int
    max_size: int


def show_aggregator(keys: QueueKeys, server_id: str, *, now_s: int, ttl_s: int) -> Operation[None]:
    """Show for *ttl_s* seconds that a Python server aggregates groups of the queue.

    As long as one does, tasks that are scheduled for a group may be forwarded into it by Go, which
    does not list the group: the server lists it again.
    """
    return Operation(
        load("show_aggregator"),
        (keys.aggregators,),
        (server_id, now_s, ttl_s),
        ignore,
        Repeat.SAFE,
    )


def hide_aggregator(keys: QueueKeys, server_id: str) -> Operation[None]:
    """Take back what `show_aggregator` says of a server."""
    return Operation("ZREM", (keys.aggregators,), (server_id,), ignore, Repeat.SAFE)


def list_groups(
    keys: QueueKeys, *, cursor: int = 0, count: int = 500
) -> Operation[tuple[int, list[str]]]:
    """Answer the next cursor, 0 at the end, and the names of some groups, like SSCAN."""
    return Operation(
        "SSCAN",
        (keys.groups,),
        (cursor, "COUNT", count),
        lambda reply: (int(reply[0]), [text(each) for each in reply[1]]),
        Repeat.SAFE,
    )


def is_group_due(
    keys: QueueKeys,
    group: str,
    *,
    now_s: int,
    grace_s: int,
    max_delay_s: int = 0,
    max_size: int = 0,
) -> Operation[bool]:
    """Answer whether a group is due, and change nothing; see `check_aggregation`."""
    _check_limits(grace_s, max_delay_s, max_size)
    return Operation(
        load("is_group_due"),
        (keys.group(group),),
        (now_s, grace_s, max_delay_s, max_size),
        bool,
        Repeat.SAFE,
    )


def check_aggregation(
    keys: QueueKeys,
    group: str,
    *,
    set_id: str,
    now_s: int,
    deadline_s: int,
    grace_s: int,
    max_delay_s: int = 0,
    max_size: int = 0,
) -> Operation[bool]:
    """Move members of a group into a new aggregation set if it is due; answer whether it was.

    asynq v0.26 rdb.go aggregationCheckCmd: a group is due if it has *max_size* members, if its
    oldest member has waited for *max_delay_s*, or if no member was added for *grace_s*. The oldest
    members are moved, 500 at most.

    Args:
        set_id: a UUID that was never used before.
        now_s: the time of Redis.
        deadline_s: from when on any worker may give the members back to their group.
        max_delay_s: 0 for no limit.
        max_size: 0 for no limit.

    Raises:
        ConfigError: a limit is negative.
    """
    _check_limits(grace_s, max_delay_s, max_size)
    return Operation(
        load("check_aggregation"),
        (
            keys.groups,
            keys.group(group),
            keys.aggregation_sets,
            keys.aggregation_set(group, set_id),
            keys.scheduled_groups,
        ),
        (group, now_s, deadline_s, grace_s, max_delay_s, max_size, MOST_TASKS),
        bool,
        Repeat.SAFE,
    )


def read_aggregation_set(
    keys: QueueKeys, group: str, set_id: str, *, skip: int = 0, limit: int = 100
) -> Operation[Members | None]:
    """Read a page of a set, about 1 MiB at most; None if the set is not listed, or no longer."""
    check_size(limit)
    return Operation(
        load("read_aggregation_set"),
        (keys.aggregation_sets, keys.aggregation_set(group, set_id)),
        (keys.task_prefix, skip, limit, MOST_BYTES),
        _members,
        Repeat.SAFE,
    )


def finish_aggregation(
    keys: QueueKeys,
    group: str,
    set_id: str,
    aggregate: PreparedTask | None,
    *,
    now_ns: int,
    locks: Sequence[tuple[str, str]] = (),
) -> Operation[Aggregated]:
    """Store *aggregate*, if there is one, and delete the members with their locks and the set.

    All or nothing: if the set is no longer listed, or the aggregate is refused, nothing is changed.

    Args:
        locks: (ID, unique key) of members; Go keeps the key of a grouped task only in its message.
    """
    destination, arguments = _destination(keys, aggregate, now_ns)
    return Operation(
        load("finish_aggregation"),
        (
            keys.aggregation_sets,
            keys.aggregation_set(group, set_id),
            destination,
            keys.groups,
            keys.scheduled_groups,
            keys.aggregators,
        ),
        (keys.task_prefix, now_ns, *arguments, *chain.from_iterable(locks)),
        lambda reply: _aggregated(aggregate, reply, is_repeated=False),
        Repeat.BY_TOKEN,
        lambda reply: _aggregated(aggregate, reply, is_repeated=True),
    )


def quarantine_member(
    keys: QueueKeys, group: str, set_id: str, task_id: str, *, now_s: int
) -> Operation[bool]:
    """Archive a member whose message cannot be read; its bytes stay as they are."""
    return Operation(
        load("quarantine_member"),
        (keys.aggregation_set(group, set_id), keys.archived),
        (keys.task(task_id), task_id, now_s),
        bool,
        Repeat.SAFE,
    )


def reclaim_aggregation_sets(
    keys: QueueKeys, *, now_s: int, limit: int = MOST_TASKS
) -> Operation[Reclaimed]:
    """Give members of overdue sets back to their groups.

    asynq v0.26 rdb.go reclaimStateAggregationSetsCmd; here the names of the groups are listed
    again as well. A set is put off for two minutes if the key of its group is not a sorted set.
    """
    check_size(limit)
    return Operation(
        load("reclaim_aggregation_sets"),
        (keys.aggregation_sets, keys.groups),
        (keys.group_prefix, now_s, limit, now_s + PUT_OFF_S),
        lambda reply: Reclaimed(moved=int(reply[0]), has_more=reply[1] == 1, put_off=reply[2]),
        Repeat.SAFE,
    )


def restore_groups(
    keys: QueueKeys, *, now_s: int, skip: int = 0, limit: int = MOST_TASKS
) -> Operation[tuple[int, int]]:
    """List groups again whose names Go has removed while it forwarded or reclaimed tasks.

    Returns:
        How many groups were listed again, and the next *skip*; -1 at the end.
    """
    check_size(limit)
    return Operation(
        load("restore_groups"),
        (keys.scheduled_groups, keys.groups),
        (keys.group_prefix, now_s - FORGOTTEN_AFTER_S, skip, limit),
        lambda reply: (int(reply[0]), int(reply[1])),
        Repeat.SAFE,
    )


def _check_limits(*limits: int) -> None:
    if min(limits) < 0:
        raise ConfigError("the limits of a group must not be negative")


def _destination(
    keys: QueueKeys, aggregate: PreparedTask | None, now_ns: int
) -> tuple[str, tuple[Argument, ...]]:
    """Return the key that the aggregate is added to, and the arguments that describe it."""
    if aggregate is None:
        return keys.pending, ("",) * 10
    due_ns, group = aggregate.process_at_ns, aggregate.group
    due: Argument = "" if due_ns is None else due_ns
    score = (due_ns or now_ns) // NANOSECONDS
    destination = {
        TaskState.PENDING: keys.pending,
        TaskState.SCHEDULED: keys.scheduled,
        TaskState.AGGREGATING: keys.group(group),
    }[aggregate.state]
    return destination, (aggregate.state.value, *described(aggregate), due, score, group)


def _aggregated(aggregate: PreparedTask | None, reply: Any, *, is_repeated: bool) -> Aggregated:
    verdict, *why = reply
    if verdict == _REFUSED and aggregate is not None:
        refused = refusal(aggregate, why, is_repeated=is_repeated)
        return Aggregated(is_done=refused is None, refusal=refused)
    # The answer of the first call was lost: a set that is no longer listed was finished by it.
    return Aggregated(is_done=verdict == _DONE or (is_repeated and verdict == _UNLISTED))


def _members(reply: Any) -> Members | None:
    if not reply:
        return None
    members = [
        Member(task_id=text(reply[i]), data=reply[i + 1], expires_at_ns=number(reply[i + 2]))
        for i in range(2, len(reply), 3)
    ]
    return Members(
        deadline_s=whole(reply[0]),
        members=members,
        has_more=reply[1] == 1,
    )
