"""What all operations share: decoding replies, and checking the size of a batch."""

from math import isnan
from typing import Any

from pyasynq.clock import NANOSECONDS
from pyasynq.errors import ConfigError

MOST = 2**63 - 1
MOST_SCORE = 2.0**62  # what a float and 64 bits can both hold, with room for nanoseconds
MOST_TASKS = 500  # per call of a script, so that none blocks Redis for long


def check_size(count: int) -> None:
    """Raise a ConfigError if a batch is empty or too large for one call."""
    if not 1 <= count <= MOST_TASKS:
        raise ConfigError(f"a batch has from 1 to {MOST_TASKS} tasks, not {count}")


def text(reply: Any) -> str:
    """Return a reply as text; an ID that is not UTF-8 keeps its bytes as surrogates."""
    return reply.decode("utf-8", "surrogateescape") if reply else ""


def number(reply: Any) -> int | None:
    """Return a reply as a number of 64 bits, as all in Redis are; None if it is not one."""
    value = any_number(reply)
    return None if value is None or not -MOST <= value <= MOST else value


def whole(reply: Any) -> int:
    """Return a score without its fraction; 0 if it is not a number, the nearest of 64 bits else."""
    try:
        score = float(reply)
    except (TypeError, ValueError):
        return 0
    return 0 if isnan(score) else int(min(max(score, -MOST_SCORE), MOST_SCORE))


def any_number(reply: Any) -> int | None:
    """Return a reply as a number of any size; None if there is no reply or it is not a number."""
    if reply is None:  # most fields of most tasks; an exception would cost more than the rest
        return None
    try:
        return int(reply)
    except (TypeError, ValueError):
        return None


def exact_due_ns(score: Any, exact: Any) -> int | None:
    """Return when a task is due: exactly, if its field agrees with its score.

    asynq v0.26 inspect.go: a score of 0 means that there is no next time.
    """
    due_ns = whole(score) * NANOSECONDS or None
    exact_ns = number(exact)
    if due_ns is None or exact_ns is None:
        return due_ns
    return exact_ns if exact_ns // NANOSECONDS * NANOSECONDS == due_ns else due_ns
