"""One attempt to run a task, as workers that keep a history store it: JSON in a key of ours.

``{"n":2,"o":"failed","t":"retried","s":1700000000000000000,"e":1700000001000000000,
"w":5000000,"r":1700000030000000000,"err":"ValueError: too wide","tb":"Traceback …",
"by":"host:41:6f1c"}``

What is not known is left out. An attempt that has not ended has no ``o``. One that was recovered
from a worker that is gone has no ``s``: who recovers it does not know its start.
"""

from typing import Literal, get_args

import msgspec

Ending = Literal[
    "succeeded",
    "failed",
    "timed_out",
    "cancelled",
    "skipped_retry",
    "deferred",
    "revoked",
    "requeued",
    "lost",
]
"""How an attempt ended."""

Then = Literal["deleted", "completed", "retried", "archived", "requeued"]
"""What became of its task."""

ENDINGS: tuple[Ending, ...] = get_args(Ending)
THENS: tuple[Then, ...] = get_args(Then)


class AttemptRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """An attempt, as it is stored.

    Attributes:
        number: from 1; two attempts have the same number if the first one was not counted.
        outcome: one of `ENDINGS`; empty if it has not ended.
        then: one of `THENS`; empty if that is not known.
        started_ns: when its handler started; 0 if that is not known.
        ended_ns: when it ended; 0 if it has not.
        waited_ns: for how long its task was pending before; None if that is not known.
        retry_at_ns: when its task runs again; 0 if it does not, or that is not known.
        error: what it failed with.
        traceback: the same with the frames that it came from.
        worker: ``host:pid:server id`` of its server; empty if that is not known.
    """

    number: int = msgspec.field(name="n", default=0)
    outcome: str = msgspec.field(name="o", default="")
    then: str = msgspec.field(name="t", default="")
    started_ns: int = msgspec.field(name="s", default=0)
    ended_ns: int = msgspec.field(name="e", default=0)
    waited_ns: int | None = msgspec.field(name="w", default=None)
    retry_at_ns: int = msgspec.field(name="r", default=0)
    error: str = msgspec.field(name="err", default="")
    traceback: str = msgspec.field(name="tb", default="")
    worker: str = msgspec.field(name="by", default="")


_decoder = msgspec.json.Decoder(AttemptRecord)


def encode(record: AttemptRecord) -> bytes:
    """Return *record* as it is stored."""
    return msgspec.json.encode(record)


def decode(data: bytes) -> AttemptRecord | None:
    """Return the attempt in *data*; None if it cannot be read."""
    try:
        return _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
