"""Operations on the statistics of task types, which workers write once a minute if asked to."""

from collections.abc import Mapping, Sequence
from typing import Any

from pyasynq.broker.decoding import any_number, text, whole
from pyasynq.broker.operation import Argument, Operation, Repeat, ignore
from pyasynq.broker.scripts import load
from pyasynq.wire.keys import QueueKeys
from pyasynq.wire.type_counts import (
    KEPT_MINUTES,
    LIVES_MINUTES,
    MOST_TYPES,
    OTHERS,
    TypeCountsRecord,
    decode,
    encode,
)

MOST_COUNTED = 100  # types per call


def count_types(
    keys: QueueKeys, minute: int, counts: Mapping[str, TypeCountsRecord]
) -> Operation[None]:
    """Add what one server did in one minute to the statistics of its types.

    It must not be repeated: it would count twice.

    Args:
        keys: of the queue.
        minute: since 1970.
        counts: by type, at most 100.
    """
    arguments: list[Argument] = [minute, KEPT_MINUTES, MOST_TYPES, OTHERS, LIVES_MINUTES]
    for task_type, record in counts.items():
        arguments += (task_type, encode(record))
    return Operation(
        load("count_types"),
        (keys.types, keys.type_counts(OTHERS), *map(keys.type_counts, counts)),
        tuple(arguments),
        ignore,
        Repeat.NEVER,
    )


def list_counted(keys: QueueKeys, *, since_minute: int) -> Operation[list[str]]:
    """List the types of a queue that have statistics of *since_minute* or later."""

    def decode_names(reply: Sequence[Any]) -> list[str]:
        scored = zip(reply[::2], reply[1::2], strict=True)
        return [text(name) for name, minute in scored if whole(minute) >= since_minute]

    arguments = (0, MOST_TYPES, "WITHSCORES")  # the latest first
    return Operation("ZREVRANGE", (keys.types,), arguments, decode_names, Repeat.SAFE)


def read_type_counts(keys: QueueKeys, task_type: str) -> Operation[dict[int, TypeCountsRecord]]:
    """Read the statistics of a type in one queue, by minute since 1970."""
    return Operation("HGETALL", (keys.type_counts(task_type),), (), _by_minute, Repeat.SAFE)


def forget_types(keys: QueueKeys, *, limit: int) -> Operation[int]:
    """Delete the statistics of some types of a queue; answers of how many there still are."""
    arguments = (f"{keys.types}:", limit)
    return Operation(load("delete_indexed"), (keys.types,), arguments, int, Repeat.SAFE)


def _by_minute(reply: Any) -> dict[int, TypeCountsRecord]:
    pairs = reply.items() if isinstance(reply, dict) else zip(reply[::2], reply[1::2], strict=True)
    found: dict[int, TypeCountsRecord] = {}
    for name, data in pairs:
        minute, record = any_number(name), decode(data)
        if minute is not None and record is not None:
            found[minute] = record
    return found
