"""What operations share: reading replies, and the size of a batch."""

from typing import Any

from pyasynq.errors import ConfigError

MOST_TASKS = 500  # per call of a script, so that none blocks Redis for long


def check_size(count: int) -> None:
    """Refuse a batch that is too large for one call, or empty."""
    if not 1 <= count <= MOST_TASKS:
        raise ConfigError(f"a batch has from 1 to {MOST_TASKS} tasks, not {count}")


def text(reply: Any) -> str:
    """Return a reply as text; IDs that are no UTF-8 keep their bytes as surrogates."""
    return reply.decode("utf-8", "surrogateescape") if reply else ""


def number(reply: Any) -> int | None:
    """Return a reply as a number; None for none, or for what is no number."""
    if reply is None:  # most fields of most tasks; an exception would cost more than the rest
        return None
    try:
        return int(reply)
    except (TypeError, ValueError):
        return None
