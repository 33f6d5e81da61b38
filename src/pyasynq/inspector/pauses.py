"""Who paused a queue, why and until when: JSON beside the mark of the pause, which Go ignores."""

import json
from datetime import datetime

import msgspec

from pyasynq.broker.decoding import number
from pyasynq.clock import to_datetime
from pyasynq.errors import ConfigError
from pyasynq.options import moment_fault

LONGEST = {"by": 200, "reason": 1000}  # characters


class PauseDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What was said about a pause.

    Attributes:
        by: who paused the queue; empty if that was not said.
        reason: why; empty if that was not said.
        until_ns: when the pause ends by itself; None for never.
    """

    by: str = ""
    reason: str = ""
    until_ns: int | None = None


NOTHING_SAID = PauseDetails()


def encode(details: PauseDetails, since_s: int) -> bytes:
    """Return *details* as they are stored for the pause that began at *since_s*; empty for none."""
    if details == NOTHING_SAID:
        return b""
    fields = {"since": since_s, **msgspec.structs.asdict(details)}
    return json.dumps(fields, separators=(",", ":")).encode()


def decode(data: bytes, since_s: int | None) -> PauseDetails:
    """Return what was said about the pause that began at *since_s*.

    Go ends a pause without its details. So they count only for the pause that they were stored for.
    """
    if not data:  # of most queues
        return NOTHING_SAID
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError):
        return NOTHING_SAID
    if not isinstance(fields, dict) or since_s is None or fields.get("since") != since_s:
        return NOTHING_SAID
    by, reason, until_ns = (fields.get(name) for name in ("by", "reason", "until_ns"))
    return PauseDetails(
        by=by if isinstance(by, str) else "",
        reason=reason if isinstance(reason, str) else "",
        until_ns=number(until_ns) if isinstance(until_ns, int) else None,
    )


def check(by: object, reason: object, until: datetime | None, now_ns: int) -> None:
    """Raise a ConfigError if something of a pause is wrong."""
    faults = [_text_fault("by", by), _text_fault("reason", reason)]
    if until is not None:
        fault = moment_fault("until", until)
        if fault is None and until <= to_datetime(now_ns):
            fault = f"until must be in the future, not {until.isoformat()}"
        faults.append(fault)
    ConfigError.raise_if(faults)


def _text_fault(what: str, value: object) -> str | None:
    if not isinstance(value, str):
        return f"{what} must be text, not {type(value).__name__}"
    most = LONGEST[what]
    return None if len(value) <= most else f"{what} must have at most {most} characters"
