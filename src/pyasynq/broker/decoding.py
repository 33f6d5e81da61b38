"""What all operations share: decoding replies, and checking the size of a batch."""

from typing import Any

from pyasynq.errors import ConfigError

MOST_TASKS = 500  # per call of a script, so that none blocks Redis for long


def check_size(count: int) -> None:
    """Raise a ConfigError if a batch is empty or too large for one call."""
    if not 1 <= count <= MOST_TASKS:
        raise ConfigError(f"a batch has from 1 to {MOST_TASKS} tasks, not {count}")


def text(reply: Any) -> str:
    """Return a reply as text; an ID that is not UTF-8 keeps its bytes as surrogates."""
    return reply.decode("utf-8", "surrogateescape") if reply else ""


def number(reply: Any) -> int | None:
    """Return a reply as a number; None if there is no reply or it is not a number."""
    if reply is None:  # most fields of most tasks; an exception would cost more than the rest
        return None
    try:
        return int(reply)
    except (TypeError, ValueError):
        return None
