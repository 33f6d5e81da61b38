"""The inspector of a command, and what a mistyped queue may mean."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from pyasynq.clock import SystemClock, to_datetime
from pyasynq.errors import (
    ConfigError,
    EntryNotFoundError,
    IncompatibleRedisError,
    NotFoundError,
    QueueNotFoundError,
)
from pyasynq.inspector import Inspector
from pyasynq.shown import shown
from pyasynq.spelling import nearest


@contextmanager
def inspecting(redis_url: str | None) -> Iterator[Inspector]:
    """Open an inspector; an unknown queue is told with the one that may be meant."""
    with Inspector(redis_url) as inspector:
        try:
            yield inspector
        except QueueNotFoundError as error:
            raise suggested(error, inspector) from error


def suggested(error: QueueNotFoundError, inspector: Inspector) -> NotFoundError:
    """Return *error* with the queue that may be meant, or with those that there are."""
    if error.swapped_with:
        return error
    known = inspector.queues.list()
    near = nearest(error.queue, known)
    if near is not None:
        return NotFoundError(f"{error}; did you mean {shown(near)!r}?")
    hint = "`pyasynq queue ls` shows those that do" if known else "there are no queues yet"
    return NotFoundError(f"{error}; {hint}")


def unknown_entry(entry_id: str) -> NotFoundError:
    """Return the error for a scheduler entry that is not there."""
    return NotFoundError(
        f"{EntryNotFoundError(entry_id)}; `pyasynq cron ls` shows those of schedulers that are "
        "alive"
    )


def now() -> datetime:
    """Return the time."""
    return to_datetime(SystemClock().now_ns())


def reported(inspector: Inspector) -> dict[str, str]:
    """Return what Redis, or a cluster, reports about itself; nothing where that is denied."""
    try:
        found = inspector.redis.info()
    except IncompatibleRedisError:
        return {}
    if found.get("cluster_enabled") == "1":
        try:
            found |= inspector.redis.cluster_info()
        except ConfigError:
            found["cluster_enabled"] = "0"  # Envoy says that it is a cluster, and is not
    return found
