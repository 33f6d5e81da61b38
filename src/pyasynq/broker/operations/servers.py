"""Operations that read which servers and schedulers are alive, and what they do."""

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

from pyasynq.broker.decoding import text
from pyasynq.broker.operation import Operation, Repeat
from pyasynq.broker.scripts import load
from pyasynq.errors import PayloadError
from pyasynq.wire.handled import Handled
from pyasynq.wire.handled import decode as decode_handled
from pyasynq.wire.keys import global_keys
from pyasynq.wire.records import (
    EnqueueEventRecord,
    SchedulerEntryRecord,
    ServerRecord,
    WorkerRecord,
    decode_enqueue_event,
    decode_scheduler_entry,
    decode_server,
    decode_worker,
)

MOST_LIVE = 10_000  # servers or schedulers that one call lists

Index = Literal["servers", "workers", "schedulers"]
R = TypeVar("R")


def list_live(index: Index, *, namespace: str, now_s: int) -> Operation[list[str]]:
    """List the keys of what is alive in an index, and drop from it what is not.

    asynq v0.26 inspect.go listServerKeysCmd: an entry lives until the second of its score is over.
    A member that is not a key of this kind is left out.
    """
    key: str = getattr(global_keys(namespace), index)
    prefix = f"{key}:{{"

    def decode(reply: Sequence[bytes]) -> list[str]:
        return [name for name in map(text, reply) if name.startswith(prefix)]

    return Operation(load("list_live"), (key,), (now_s, MOST_LIVE), decode, Repeat.SAFE)


def read_server(key: str) -> Operation[ServerRecord | None]:
    """Read the record of a server; None if there is none, or it cannot be read."""
    return Operation("GET", (key,), (), lambda reply: _record(decode_server, reply), Repeat.SAFE)


def read_workers(key: str) -> Operation[list[WorkerRecord]]:
    """Read the tasks that a server runs; what cannot be read is left out."""
    return Operation("HVALS", (key,), (), lambda reply: _records(decode_worker, reply), Repeat.SAFE)


def read_handled(key: str, *, namespace: str) -> Operation[Handled]:
    """Read what a server handles, by the key of its record; of a Go server it is not known."""
    keys = global_keys(namespace)
    name = key.removeprefix(keys.servers)
    return Operation("GET", (keys.handled + name,), (), decode_handled, Repeat.SAFE)


def read_entries(key: str) -> Operation[list[SchedulerEntryRecord]]:
    """Read the entries of a scheduler; what cannot be read is left out."""
    return Operation(
        "LRANGE",
        (key,),
        (0, -1),
        lambda reply: _records(decode_scheduler_entry, reply),
        Repeat.SAFE,
    )


def read_events(
    entry_id: str, *, namespace: str, first: int, limit: int
) -> Operation[list[EnqueueEventRecord]]:
    """Read what a scheduler entry has enqueued, the latest first; what cannot be read is left out.

    Args:
        entry_id: the entry.
        namespace: of the keys.
        first: how many of the latest to skip.
        limit: how many to read at most.
    """
    return Operation(
        "ZREVRANGE",
        (global_keys(namespace).scheduler_history(entry_id),),
        (first, first + limit - 1),
        lambda reply: _records(decode_enqueue_event, reply),
        Repeat.SAFE,
    )


def _records(decode: Callable[[bytes], R], reply: Any) -> list[R]:
    return [record for each in reply if (record := _record(decode, each)) is not None]


def _record(decode: Callable[[bytes], R], data: bytes | None) -> R | None:
    if data is None:
        return None
    try:
        return decode(data)
    except PayloadError:
        return None
