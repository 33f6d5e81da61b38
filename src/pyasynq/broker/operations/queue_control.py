"""Operations that pause, resume and delete a queue, and read its history and its groups."""

from collections.abc import Iterable, Sequence
from enum import Enum

from pyasynq.broker.decoding import MOST, number, text
from pyasynq.broker.operation import Operation, Repeat, ignore
from pyasynq.broker.scripts import load
from pyasynq.wire.keys import QueueKeys, global_keys

DAY_S = 86_400
COUNTED_DAYS = 91  # asynq v0.26 rdb.go statsTTL: a counter of a day is kept for 90 days


class Paused(Enum):
    """What became of a queue that was to be paused."""

    NOW = 1
    ALREADY = 0
    ALREADY_ALIKE = 2


def pause_queue(
    keys: QueueKeys, *, now_s: int, details: bytes = b"", until_ms: int | None = None
) -> Operation[bool]:
    """Pause a queue; False if it is paused already.

    asynq v0.26 inspect.go Pause: the presence of the mark pauses it, its value says since when.

    Args:
        keys: of the queue.
        now_s: since when it is paused.
        details: who pauses it and why, stored beside the mark; empty for nothing.
        until_ms: when Redis deletes both, so that the pause ends whether a server runs or not.
    """
    return Operation(
        load("pause_queue"),
        (keys.paused, keys.pause_details),
        (now_s, details, "" if until_ms is None else until_ms),
        lambda reply: Paused(reply) is Paused.NOW,
        Repeat.BY_TOKEN,
        lambda reply: Paused(reply) is not Paused.ALREADY,
    )


def unpause_queue(keys: QueueKeys) -> Operation[bool]:
    """Take the mark of a paused queue away; False if there is none."""
    return Operation("DEL", (keys.paused,), (), bool, Repeat.BY_TOKEN, lambda _: True)


def forget_pause(keys: QueueKeys) -> Operation[None]:
    """Delete who paused a queue and why."""
    return Operation("DEL", (keys.pause_details,), (), ignore, Repeat.SAFE)


def unlist_queue(queue: str, namespace: str) -> Operation[bool]:
    """Take a queue out of the set of all queues."""
    return Operation("SREM", (global_keys(namespace).queues,), (queue,), bool, Repeat.SAFE)


def delete_queue(keys: QueueKeys, *, now_s: int) -> Operation[int]:
    """Delete all keys of a queue if it holds no task; answers how many it holds."""
    counters = [
        day
        for age in range(-1, COUNTED_DAYS + 1)
        for day in (keys.processed_on(now_s - age * DAY_S), keys.failed_on(now_s - age * DAY_S))
    ]
    return Operation(
        load("delete_queue"),
        (
            *(keys.pending, keys.active, keys.scheduled, keys.retry, keys.archived),
            *(keys.completed, keys.aggregation_sets, keys.groups, keys.lease, keys.paused),
            *(keys.processed, keys.failed, keys.pause_details, keys.waiters),
            *(keys.scheduled_groups, keys.aggregators, *counters),
        ),
        (keys.group_prefix,),
        int,
        Repeat.SAFE,
    )


def read_days(keys: QueueKeys, days: Iterable[str]) -> Operation[list[tuple[int, int]]]:
    """Read how many tasks were processed, and how many of these failed, on each day.

    Args:
        keys: of the queue.
        days: as `day_text` writes them.
    """
    return Operation("MGET", tuple(keys.counters_of(days)), (), _days, Repeat.SAFE)


def _days(reply: Sequence[bytes | None]) -> list[tuple[int, int]]:
    try:  # thousands of them at once, of which hardly one was written by somebody else
        counts = [int(each) if each else 0 for each in reply]
    except ValueError:
        counts = [MOST + 1]
    if max(counts, default=0) > MOST or min(counts, default=0) < -MOST:
        counts = [number(each) or 0 for each in reply]
    return list(zip(counts[::2], counts[1::2], strict=True))


def group_size(keys: QueueKeys, group: str) -> Operation[int]:
    """Count the members of a group."""
    return Operation("ZCARD", (keys.group(group),), (), int, Repeat.SAFE)


def list_sets(keys: QueueKeys, *, limit: int) -> Operation[list[str]]:
    """List the keys of some aggregation sets of a queue, as its index names them."""
    return Operation(
        "ZRANGE",
        (keys.aggregation_sets,),
        (0, limit - 1),
        lambda reply: [text(each) for each in reply],
        Repeat.SAFE,
    )


def unlist_set(keys: QueueKeys, set_key: str) -> Operation[None]:
    """Take an aggregation set out of the index."""
    return Operation("ZREM", (keys.aggregation_sets,), (set_key,), ignore, Repeat.SAFE)


def list_scheduled_groups(keys: QueueKeys, *, limit: int) -> Operation[list[str]]:
    """List groups whose names a Go program may have removed."""
    return Operation(
        "ZRANGE",
        (keys.scheduled_groups,),
        (0, limit - 1),
        lambda reply: [text(each) for each in reply],
        Repeat.SAFE,
    )


def unlist_scheduled_group(keys: QueueKeys, group: str) -> Operation[None]:
    """Take a group out of those whose names may have been removed."""
    return Operation("ZREM", (keys.scheduled_groups,), (group,), ignore, Repeat.SAFE)
