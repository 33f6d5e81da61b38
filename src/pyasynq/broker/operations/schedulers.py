"""Operations of a scheduler: who leads, what it shows of itself, and the ticks of its entries."""

import contextlib
import json
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from itertools import count, islice
from typing import Any, Literal

import msgspec

from pyasynq.broker.decoding import text
from pyasynq.broker.new_tasks.prepare import PreparedTask
from pyasynq.broker.operation import Argument, Operation, Repeat, ignore
from pyasynq.broker.operations.enqueue import described, refusal
from pyasynq.broker.scripts import load
from pyasynq.clock import NANOSECONDS
from pyasynq.errors import EnqueueError, PayloadError
from pyasynq.wire.keys import QueueKeys, global_keys
from pyasynq.wire.records import (
    EnqueueEventRecord,
    SchedulerEntryRecord,
    encode_enqueue_event,
    encode_scheduler_entry,
)

MOST_EVENTS = 1000  # asynq v0.26 rdb.go maxEvents
MOST_ENTRIES = 500  # that one call writes

Overlap = Literal["allow", "skip", "replace"]


class TickRecord(msgspec.Struct, frozen=True):
    """What is known of the ticks of an entry.

    Attributes:
        at_s: the last tick, or when the entry was seen first.
        task_id: the task of the last tick; empty if there is none.
        paused: who paused it and why, as a JSON object; empty while it is not paused.
    """

    at_s: int
    task_id: str = ""
    paused: bytes = b""


class Tick(Enum):
    """What became of a tick."""

    STORED = "stored"
    PAST = "past"
    PAUSED = "paused"
    UNFINISHED = "unfinished"
    REFUSED = "refused"


class TickAnswer(msgspec.Struct, frozen=True):
    """The answer to `enqueue_tick`.

    Attributes:
        last_s: for a tick that is past, the last one.
        earlier_id: for an earlier task that is not done, its ID.
        refusal: why the task was refused.
    """

    tick: Tick
    last_s: int | None = None
    earlier_id: str = ""
    refusal: EnqueueError | None = None


def lead(name: str, *, namespace: str, member: str, ttl_ms: int) -> Operation[str]:
    """Become or stay the leader of the schedulers called *name*; answers who leads."""
    keys = global_keys(namespace)
    return Operation(load("lead"), (keys.leader(name),), (member, ttl_ms), text, Repeat.SAFE)


def resign(name: str, *, namespace: str, member: str) -> Operation[None]:
    """Stop leading, so that another scheduler need not wait."""
    keys = global_keys(namespace)
    return Operation(load("resign"), (keys.leader(name),), (member,), ignore, Repeat.SAFE)


def write_entries(
    scheduler_id: str,
    records: Iterable[SchedulerEntryRecord],
    *,
    namespace: str,
    now_s: int,
    ttl_s: int,
) -> Iterator[Operation[None]]:
    """Yield what shows the entries of a scheduler, for *ttl_s* seconds from *now_s*.

    asynq v0.26 rdb.go WriteSchedulerEntries. What cannot be encoded is left out.
    """
    keys = global_keys(namespace)
    key = keys.scheduler_entries(scheduler_id)
    yield Operation(
        load("index_presence"),
        (keys.schedulers,),
        (now_s + ttl_s, key, now_s),
        ignore,
        Repeat.SAFE,
    )
    encoded = _encoded(records)
    for goes_on in count():  # the first call also takes away what was there
        chunk = list(islice(encoded, MOST_ENTRIES))
        if goes_on and not chunk:
            return
        arguments: tuple[Argument, ...] = (ttl_s, min(goes_on, 1), *chunk)
        yield Operation(load("write_entries"), (key,), arguments, ignore, Repeat.SAFE)


def clear_entries(scheduler_id: str, *, namespace: str) -> list[Operation[None]]:
    """Remove what `write_entries` wrote."""
    keys = global_keys(namespace)
    key = keys.scheduler_entries(scheduler_id)
    return [
        Operation("ZREM", (keys.schedulers,), (key,), ignore, Repeat.SAFE),
        Operation("DEL", (key,), (), ignore, Repeat.SAFE),
    ]


def record_event(
    entry_id: str, event: EnqueueEventRecord, *, namespace: str, ttl_s: int = 0
) -> Operation[None]:
    """Note that an entry has enqueued a task; the latest 1,000 notes are kept.

    Args:
        ttl_s: for how long they are kept after the last one; 0 for ever, as Go does.

    Raises:
        PayloadError: the event cannot be encoded.
    """
    return Operation(
        load("record_event"),
        (global_keys(namespace).scheduler_history(entry_id),),
        ((event.enqueued_ns or 0) // NANOSECONDS, encode_enqueue_event(event), MOST_EVENTS, ttl_s),
        ignore,
        Repeat.SAFE,
    )


def clear_history(entry_id: str, *, namespace: str) -> Operation[None]:
    """Delete the notes of what an entry has enqueued."""
    key = global_keys(namespace).scheduler_history(entry_id)
    return Operation("DEL", (key,), (), ignore, Repeat.SAFE)


def read_tick(keys: QueueKeys, entry_id: str, *, now_s: int, ttl_s: int) -> Operation[TickRecord]:
    """Read which tick of an entry was done last; one that is new is noted at *now_s*."""
    return Operation(
        load("read_tick"), (keys.tick(entry_id),), (now_s, ttl_s), _record, Repeat.SAFE
    )


def pause_entry(keys: QueueKeys, entry_id: str, details: dict[str, str]) -> list[Operation[None]]:
    """Let the ticks of an entry pass without a task. It is known for as long as it is paused."""
    key, shown = keys.tick(entry_id), json.dumps(details)
    return [
        Operation("HSET", (key,), ("paused", shown), ignore, Repeat.SAFE),
        Operation("PERSIST", (key,), (), ignore, Repeat.SAFE),
    ]


def resume_entry(keys: QueueKeys, entry_id: str) -> Operation[bool]:
    """Let an entry enqueue again; False if it was not paused."""
    return Operation("HDEL", (keys.tick(entry_id),), ("paused",), bool, Repeat.BY_TOKEN)


def enqueue_tick(
    item: PreparedTask,
    entry_id: str,
    *,
    tick_s: int,
    ttl_s: int,
    now_ns: int,
    overlap: Overlap = "allow",
) -> Operation[TickAnswer]:
    """Store the task of a tick, unless this tick or a later one of the entry was done.

    The comparison and the store are one step. So whoever else believes to be the leader, and
    however often an answer is lost, a tick makes one task at most.

    Args:
        tick_s: when it was due, in seconds.
        ttl_s: for how long the tick is known, in seconds.
        overlap: what becomes of the task of an earlier tick that is not done: "allow" leaves it
            alone, "skip" lets this tick pass, and "replace" deletes it, unless it is active.
    """
    keys, due_ns = item.keys, item.process_at_ns
    script_keys = (
        *(keys.tick(entry_id), keys.pending, keys.scheduled, keys.groups),
        *(keys.scheduled_groups, keys.aggregators),
    )
    arguments = (
        *(keys.prefix, now_ns, tick_s, ttl_s, overlap, *described(item)),
        *(("", "") if due_ns is None else (due_ns, due_ns // NANOSECONDS)),
        *(item.group, global_keys(keys.namespace).due, keys.queue),
    )
    return Operation(
        load("enqueue_tick"),
        script_keys,
        arguments,
        lambda reply: _answer(item, tick_s, reply),
        Repeat.BY_TOKEN,
    )


def _encoded(records: Iterable[SchedulerEntryRecord]) -> Iterator[bytes]:
    for record in records:
        with contextlib.suppress(PayloadError):
            yield encode_scheduler_entry(record)


def _record(reply: Sequence[Any]) -> TickRecord:
    at, task_id, paused = reply
    return TickRecord(int(at or 0), text(task_id or b""), paused or b"")


def _answer(item: PreparedTask, tick_s: int, reply: Sequence[Any]) -> TickAnswer:
    tick = Tick(text(reply[0]))
    if tick is Tick.PAST:
        last_s = int(reply[1])
        if last_s == tick_s and text(reply[2]) == item.id:  # by a call whose answer was lost
            return TickAnswer(Tick.STORED)
        return TickAnswer(tick, last_s=last_s)
    if tick is Tick.UNFINISHED:
        return TickAnswer(tick, earlier_id=text(reply[1]))
    if tick is Tick.REFUSED:
        return TickAnswer(tick, refusal=refusal(item, reply[1:], is_repeated=False))
    return TickAnswer(tick)
