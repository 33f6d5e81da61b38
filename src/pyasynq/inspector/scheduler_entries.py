"""What a scheduler entry says of itself: how its task is enqueued, and its pause. Pure."""

import contextlib
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from pyasynq.broker.operations.schedulers import TickRecord
from pyasynq.clock import NANOSECONDS, to_datetime
from pyasynq.errors import ConfigError, PayloadError, StateError
from pyasynq.options import DEFAULT_QUEUE, EnqueueOptions, name_fault
from pyasynq.wire.option_text import Moment, Option, parse_option


class EntryPause(msgspec.Struct, frozen=True, kw_only=True):
    """What was said about the pause of an entry.

    Attributes:
        by: who paused it; empty if that was not said.
        reason: why; empty if that was not said.
        since: when it was paused; None if that is not known.
    """

    by: str = ""
    reason: str = ""
    since: datetime | None = None


def enqueue_options(texts: Iterable[str]) -> EnqueueOptions:
    """Return the options that a scheduler has published in Go's text form.

    As in Go, the last one of a kind counts, and the last one of ProcessAt and ProcessIn.

    Raises:
        PayloadError: one of them cannot be read.
        ConfigError: one of them is out of range.
    """
    given: dict[str, Any] = {}
    headers: dict[str, str] = {}
    for option in map(parse_option, texts):
        if option.type == "Header":
            headers.update([option.value])
            continue
        name, convert = _OPTIONS[option.type]
        for other in _EXCLUSIVE.get(name, ()):
            given.pop(other, None)
        given[name] = convert(option.value)
    if headers:
        given["headers"] = headers
    return EnqueueOptions(**given)


def queue_of(texts: Iterable[str]) -> str | None:
    """Return the queue of an entry; None if no keys can be made of its name."""
    queue = DEFAULT_QUEUE
    for text in texts:
        with contextlib.suppress(PayloadError):
            option: Option = parse_option(text)
            queue = option.value if option.type == "Queue" else queue
    return queue if name_fault("queue", queue) is None else None


def pause_details(by: str, reason: str, now_ns: int) -> Mapping[str, object]:
    """Return what is stored about a pause that begins now."""
    return {"by": by, "reason": reason, "since": now_ns // NANOSECONDS}


def entry_pause(data: bytes) -> EntryPause:
    """Return what is stored about a pause; what cannot be read was not said."""
    try:
        fields = json.loads(data)
    except (ValueError, RecursionError):
        return EntryPause()
    if not isinstance(fields, dict):
        return EntryPause()
    by, reason, since = (fields.get(name) for name in ("by", "reason", "since"))
    return EntryPause(
        by=by if isinstance(by, str) else "",
        reason=reason if isinstance(reason, str) else "",
        since=to_datetime(since * NANOSECONDS) if isinstance(since, int) else None,
    )


def check_pause(entry_id: str, tick: TickRecord | None, *, is_wanted: bool) -> None:
    """Check that an entry can be paused, or its pause be ended.

    Raises:
        StateError: it is of a scheduler in Go, or is or is not paused already.
    """
    if tick is None:
        raise StateError(
            f"scheduler entry {entry_id!r} is of a scheduler in Go, which knows no pause of a "
            "single entry",
            state="of Go",
            allowed=("of pyasynq",),
        )
    if is_wanted == bool(tick.paused):
        state, other = ("paused", "not paused") if is_wanted else ("not paused", "paused")
        word = "already paused" if is_wanted else state
        raise StateError(f"scheduler entry {entry_id!r} is {word}", state=state, allowed=(other,))


def check_entry_id(entry_id: object) -> None:
    """Raise a ConfigError if this cannot be the ID of an entry."""
    ConfigError.raise_if([name_fault("entry_id", entry_id)])


def _span(nanoseconds: int) -> timedelta:
    return timedelta(microseconds=nanoseconds // 1000)


def _moment(moment: Moment) -> datetime:
    return to_datetime(moment.seconds * NANOSECONDS)


def _itself(value: Any) -> Any:
    return value


_OPTIONS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "MaxRetry": ("max_retry", _itself),
    "Queue": ("queue", _itself),
    "TaskID": ("task_id", _itself),
    "Timeout": ("timeout", _span),
    "Deadline": ("deadline", _moment),
    "Unique": ("unique", _span),
    "ProcessAt": ("process_at", _moment),
    "ProcessIn": ("process_in", _span),
    "Retention": ("retention", _span),
    "Group": ("group", _itself),
}
_EXCLUSIVE = {"process_at": ("process_in",), "process_in": ("process_at",)}
