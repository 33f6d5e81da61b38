"""Operations that read why a task does not run. They change nothing, and all are safe to repeat."""

from collections.abc import Sequence
from typing import Any

import msgspec

from pyasynq.broker.decoding import exact_due_ns, number, text
from pyasynq.broker.operation import Operation, Repeat
from pyasynq.broker.scripts import load
from pyasynq.errors import PayloadError
from pyasynq.wire.handled import Handled
from pyasynq.wire.handled import decode as decode_handled
from pyasynq.wire.keys import QueueKeys, global_keys
from pyasynq.wire.records import ServerRecord, WorkerRecord, decode_server, decode_worker

MOST_IDS = 10_000  # of a list, that are looked through for one task
MOST_SERVERS = 1000
MOST_RUNNING = 2000  # tasks of one server, for any of them to be read
MOST_BYTES = 1 << 14  # of the running tasks of one server


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a task is listed.

    Attributes:
        size: how many IDs are there.
        rank: how many of them come before it; None if it is not there, or not among the first.
        is_searched: whether the list could be searched, which Redis before 6.0.6 cannot.
        score: of the task; of an active task the end of its lease.
        lowest, highest: the scores of the first and the last ID.
        set_deadline_s: until when the task must be aggregated, if that is under way.
        is_group_listed: whether its group is among the groups that servers look at.
    """

    size: int = 0
    rank: int | None = None
    is_searched: bool = True
    score: float | None = None
    lowest: float | None = None
    highest: float | None = None
    set_deadline_s: float | None = None
    is_group_listed: bool = True


class PlacedTask(msgspec.Struct, frozen=True, kw_only=True):
    """A task as it is stored, with its place in the queue and its unique lock.

    Attributes:
        task_id: its ID; empty if nobody holds the lock that was asked for.
        kind: the type of its key: "hash", "none" if there is no task, or another one.
        data: its message, undecoded; None if it has none.
        state: the stored text.
        pending_since_ns: when it became pending, if it is.
        group: name of its group; empty if it has none.
        group_when_due: the group that it joins when it is due; empty if there is none.
        expires_at_ns: it must not start later than this; None for no such limit.
        due_ns: when it is due, if it is scheduled or retried.
        on_cancel: what becomes of it once its cancellation has ended it; empty if not cancelled.
        listed: the state in which it is listed, if there is no task; else as *state*.
        place: where it is listed.
        lock_key: its unique lock, or the one that was asked for; empty for none.
        lock_holder: ID of the task that holds this lock; empty if nobody does.
        lock_ms: for how much longer it is held; negative if for ever, or nobody does.
    """

    task_id: str = ""
    kind: str = "hash"
    data: bytes | None = None
    state: str = ""
    pending_since_ns: int | None = None
    group: str = ""
    group_when_due: str = ""
    expires_at_ns: int | None = None
    due_ns: int | None = None
    on_cancel: str = ""
    listed: str = ""
    place: Place = Place()
    lock_key: str = ""
    lock_holder: str = ""
    lock_ms: int = -1


class ServerReading(msgspec.Struct, frozen=True, kw_only=True):
    """A server with what it handles and what it runs.

    Attributes:
        record: None if there is none, or it cannot be read.
        handled: what it handles.
        worker: its record of the task that was asked for; None if it does not run it.
        workers: its records of what it runs; only some of them, if these are many.
    """

    record: ServerRecord | None = None
    handled: Handled = Handled()
    worker: WorkerRecord | None = None
    workers: tuple[WorkerRecord, ...] = ()


def read_placed_task(keys: QueueKeys, task_id: str) -> Operation[PlacedTask]:
    """Read a task with its place in the queue and its unique lock."""
    return _placed(keys, keys.task(task_id), task_id)


def read_holder(keys: QueueKeys, lock: str) -> Operation[PlacedTask]:
    """Read the task that holds a unique lock, as `read_placed_task` does."""
    return _placed(keys, lock, "")


def list_servers(*, namespace: str) -> Operation[list[tuple[str, float]]]:
    """List the keys of servers and when each expires in Unix seconds, the latest first.

    Those that are over are listed, too. A member that is not a key of a server is left out.
    """
    index = global_keys(namespace).servers

    def decode(reply: Any) -> list[tuple[str, float]]:
        pairs = [(text(reply[at]), float(reply[at + 1])) for at in range(0, len(reply), 2)]
        return [pair for pair in pairs if pair[0].startswith(f"{index}:{{")]

    arguments = 0, MOST_SERVERS - 1, "WITHSCORES"
    return Operation("ZREVRANGE", (index,), arguments, decode, Repeat.SAFE)


def read_server(key: str, task_id: str, *, namespace: str) -> Operation[ServerReading]:
    """Read a server, by the key of its record, and which task of the ID *task_id* it runs."""
    keys = global_keys(namespace)
    name = key.removeprefix(keys.servers)
    return Operation(
        load("read_server"),
        (key, keys.workers + name, keys.handled + name),
        (task_id, MOST_BYTES, MOST_RUNNING),
        _server,
        Repeat.SAFE,
    )


def count_pending(keys: QueueKeys) -> Operation[int]:
    """Count the pending tasks of a queue."""
    return Operation("LLEN", (keys.pending,), (), int, Repeat.SAFE)


def is_paused(keys: QueueKeys) -> Operation[bool]:
    """Answer whether a queue is paused."""
    return Operation("EXISTS", (keys.paused,), (), bool, Repeat.SAFE)


def _placed(keys: QueueKeys, key: str, task_id: str) -> Operation[PlacedTask]:
    return Operation(
        load("read_placed_task"), (key,), (keys.prefix, task_id, MOST_IDS), _task, Repeat.SAFE
    )


def _task(reply: Any) -> PlacedTask:
    task_id, kind, fields, listed, place, (lock, holder, ttl) = reply
    data, state, since, _lock, group, expires, exact, group_when_due, on_cancel = (
        fields or [None] * 9
    )
    where = _place(place)
    is_due = state in (b"scheduled", b"retry") and where.score is not None
    return PlacedTask(
        task_id=text(task_id),
        kind=text(kind),
        data=data,
        state=text(state),
        pending_since_ns=number(since),
        group=text(group),
        group_when_due=text(group_when_due),
        expires_at_ns=number(expires),
        due_ns=exact_due_ns(where.score, exact) if is_due else None,
        on_cancel=text(on_cancel),
        listed=text(listed),
        place=where,
        lock_key=text(lock),
        lock_holder=text(holder),
        lock_ms=-1 if ttl is None else ttl,
    )


def _place(reply: Sequence[Any]) -> Place:
    if not reply:
        return Place()
    size, rank, *scores = reply
    score, lowest, highest, deadline = (
        None if each is None else float(each) for each in [*scores, None, None, None][:4]
    )
    return Place(
        size=size,
        rank=None if rank is None or rank < 0 else rank,
        is_searched=rank is None or rank >= 0,
        score=score,
        lowest=lowest,
        highest=highest,
        set_deadline_s=deadline,
        is_group_listed=reply[6] == 1 if len(reply) == 7 else True,  # noqa: PLR2004 - of a group
    )


def _server(reply: Any) -> ServerReading:
    record, handled, worker, some = reply
    workers = (_record(decode_worker, each) for each in some)
    return ServerReading(
        record=_record(decode_server, record),
        handled=decode_handled(handled),
        worker=_record(decode_worker, worker),
        workers=tuple(each for each in workers if each is not None),
    )


def _record(decode: Any, data: bytes | None) -> Any:
    try:
        return None if data is None else decode(data)
    except PayloadError:
        return None
