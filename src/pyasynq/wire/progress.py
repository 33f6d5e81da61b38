"""The progress of a task, as it is stored in a field of its hash that Go ignores.

It is JSON: ``{"done":3,"total":10,"note":"pages","attempt":1,"at":1700000000000000000}``, where
``at`` is in nanoseconds; what is not known is left out.
"""

from math import isfinite

import msgspec

from pyasynq.clock import to_datetime
from pyasynq.task import Progress
from pyasynq.wire.message import clean_text

MOST = 2**53  # what JSON readers of any language keep exactly
LONGEST_NOTE_BYTES = 1024


class ProgressRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far an attempt to run a task is; `at_ns` is when it said so."""

    done: int | float
    total: int | float | None = None
    note: str = ""
    attempt: int = 0
    at_ns: int = msgspec.field(name="at", default=0)


_decoder = msgspec.json.Decoder(ProgressRecord)


def encode(record: ProgressRecord) -> bytes:
    """Return *record* as it is stored."""
    return msgspec.json.encode(record)


def decode(data: bytes | None) -> Progress | None:
    """Return the progress in *data*; None if there is none, or it is not readable."""
    if not data:
        return None
    try:
        record = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return Progress(
        done=record.done,
        total=record.total,
        note=record.note,
        attempt=record.attempt,
        at=to_datetime(record.at_ns),
    )


def record_of(
    done: object, total: object, note: object, *, attempt: int, now_ns: int
) -> ProgressRecord | str:
    """Return the record of a progress, or what is wrong with it.

    A note that is too long is cut.
    """
    for name, value in (("done", done), ("total", total)):
        if value is None and name == "total":
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"{name} of a progress must be a number, not {type(value).__name__}"
        if not isfinite(value) or not 0 <= value <= MOST:
            return f"{name} of a progress must be from 0 to {MOST}, not {value!r}"
    if note is not None and not isinstance(note, str):
        return f"the note of a progress must be text, not {type(note).__name__}"
    return ProgressRecord(
        done=done,  # type: ignore[arg-type]  # checked above
        total=total,  # type: ignore[arg-type]  # checked above
        note=clean_text(note or "", LONGEST_NOTE_BYTES),
        attempt=attempt,
        at_ns=now_ns,
    )
