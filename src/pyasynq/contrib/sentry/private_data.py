"""Local variables in events, which would hold payloads and headers of tasks."""

from collections.abc import Iterator, Mapping
from typing import Any

from pyasynq.contrib.sentry.settings import IDENTIFIER

Event = dict[str, Any]


def sends_payloads(options: Mapping[str, Any]) -> bool:
    """Whether the SDK was told that payloads may be sent."""
    collected = options.get("data_collection")
    if isinstance(collected, Mapping) and collected.get("provided_by_user"):
        return bool(collected.get("queues"))
    return bool(options.get("send_default_pii"))


def hide_variables(event: Event, options: Mapping[str, Any]) -> None:
    """Take local variables out of an event, whoever has captured it.

    Those of frames of pyasynq always, since they hold whole tasks with their headers; those of all
    frames if the event belongs to tasks, unless payloads may be sent.
    """
    is_ours = IDENTIFIER in event.get("contexts", {}) or _is_of_pyasynq(event.get("logger"))
    hides_all = is_ours and not sends_payloads(options)
    for frame in frames_of(event):
        if hides_all or _is_of_pyasynq(frame.get("module")):
            frame.pop("vars", None)


def frames_of(event: Event) -> Iterator[Event]:
    """Yield the frames of all exceptions and stacks of an event."""
    for part in ("exception", "threads"):
        for value in (event.get(part) or {}).get("values") or ():
            yield from (value.get("stacktrace") or {}).get("frames") or ()


def _is_of_pyasynq(module: object) -> bool:
    return str(module).partition(".")[0] == "pyasynq"
