"""Operations that read what a queue holds, one cheap command each. All are safe to repeat."""

from collections.abc import Sequence
from typing import Any, Literal

from pyasynq.broker.decoding import number, text
from pyasynq.broker.operation import Operation, Repeat
from pyasynq.wire.keys import QueueKeys, global_keys

MOST_LIVE = 1000  # servers or schedulers that one call lists
MOST_ENTRIES = 100  # of a scheduler


def length(key: str) -> Operation[int]:
    """Count the members of a list."""
    return Operation("LLEN", (key,), (), int, Repeat.SAFE)


def cardinality(key: str) -> Operation[int]:
    """Count the members of a sorted set."""
    return Operation("ZCARD", (key,), (), int, Repeat.SAFE)


def count_groups(keys: QueueKeys) -> Operation[int]:
    """Count the groups of a queue."""
    return Operation("SCARD", (keys.groups,), (), int, Repeat.SAFE)


def read_totals(keys: QueueKeys) -> Operation[tuple[int, int, bytes]]:
    """Read how many tasks were ever processed and failed, and the mark of a pause; b"" for none."""

    def decode(reply: Sequence[bytes | None]) -> tuple[int, int, bytes]:
        processed, failed, paused = reply
        return number(processed) or 0, number(failed) or 0, paused or b""

    return Operation("MGET", (keys.processed, keys.failed, keys.paused), (), decode, Repeat.SAFE)


def oldest_pending(keys: QueueKeys) -> Operation[str]:
    """Read the ID of the pending task that is fetched next; empty if there is none."""
    return Operation(
        "LRANGE",
        (keys.pending,),
        (-1, -1),
        lambda reply: text(reply[0]) if reply else "",
        Repeat.SAFE,
    )


def pending_since_ns(keys: QueueKeys, task_id: str) -> Operation[int | None]:
    """Read when a task became pending; None if it is not pending any more."""
    return Operation("HGET", (keys.task(task_id),), ("pending_since",), number, Repeat.SAFE)


def live_until(
    index: Literal["servers", "schedulers"], *, namespace: str, now_s: int
) -> Operation[dict[str, float]]:
    """Read which servers or schedulers are alive: the keys of their records, and until when.

    Args:
        index: of which of the two.
        namespace: of the keys.
        now_s: the time of Redis; what expires in this second is still alive.
    """

    def decode(reply: Sequence[Any]) -> dict[str, float]:
        pairs = zip(reply[::2], reply[1::2], strict=True)
        return {text(key): float(until_s) for key, until_s in pairs}

    return Operation(
        "ZRANGEBYSCORE",
        (getattr(global_keys(namespace), index),),
        (now_s, "+inf", "WITHSCORES", "LIMIT", 0, MOST_LIVE),
        decode,
        Repeat.SAFE,
    )


def record_of_server(key: str) -> Operation[bytes]:
    """Read the record of a server, undecoded; empty if there is none."""
    return Operation("GET", (key,), (), lambda reply: reply or b"", Repeat.SAFE)


def records_of_entries(key: str) -> Operation[list[bytes]]:
    """Read the first entries of a scheduler, undecoded, and one more than `MOST_ENTRIES`."""
    return Operation("LRANGE", (key,), (0, MOST_ENTRIES), list, Repeat.SAFE)
