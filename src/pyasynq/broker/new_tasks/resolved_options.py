"""What options come to, apart from the task and the time: pure rules, no I/O.

Most tasks are enqueued with options that another task had before, the very same object; so what
they come to is kept: 0.1 µs where to work it out takes 2.
"""

import math
from datetime import datetime

import msgspec

from pyasynq.clock import NANOSECONDS, to_ns
from pyasynq.errors import ConfigError
from pyasynq.options import (
    DEFAULT_MAX_RETRY,
    DEFAULT_TIMEOUT,
    Duration,
    EnqueueOptions,
    to_seconds,
)

DEFAULT_TIMEOUT_S = int(DEFAULT_TIMEOUT.total_seconds())
MOST_KEPT = 256

# By the identity of their options, which they keep alive. No thread harms another: one that
# misses what it could have found works it out again.
_kept: dict[int, "ResolvedOptions"] = {}


class ResolvedOptions(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What options come to for any task, at any time.

    Attributes:
        options: the options themselves.
        retry: how often the task may be retried.
        timeout_s: limit of one attempt, 0 for none.
        deadline_s: Unix seconds, 0 for none.
        retention_s: how long it is kept, 0 for not at all.
        group: where it is aggregated; empty for no group.
        unique_s: for how long its lock lives, 0 for no lock.
        unique_until: when its lock is freed, empty for when it is done.
        is_plain: whether all is said: nothing depends on the time, and there is no lock.
    """

    options: EnqueueOptions
    retry: int
    timeout_s: int
    deadline_s: int
    retention_s: int
    group: str
    unique_s: int
    unique_until: str
    is_plain: bool


def resolve(options: EnqueueOptions) -> ResolvedOptions:
    """Return what *options*, already merged with those of the task, come to.

    Raises:
        ConfigError: a unique key without unique.
    """
    terms = _kept.get(id(options))
    if terms is None:
        terms = _worked_out(options)
        if len(_kept) >= MOST_KEPT:  # options made anew for each call; nothing is lost with them
            _kept.clear()
        _kept[id(options)] = terms
    return terms


def _worked_out(options: EnqueueOptions) -> ResolvedOptions:
    if options.unique is None and (options.unique_key or options.unique_until):
        raise ConfigError("unique_key and unique_until need unique, the time to live of the lock")
    moments = options.process_at, options.process_in, options.expires
    return ResolvedOptions(
        options=options,
        retry=DEFAULT_MAX_RETRY if options.max_retry is None else options.max_retry,
        timeout_s=_timeout_s(options),
        deadline_s=_deadline_s(options.deadline),
        retention_s=_whole_seconds(options.retention),
        group=options.group or "",
        unique_s=_whole_seconds(options.unique),
        unique_until="" if options.unique_until == "done" else options.unique_until or "",
        is_plain=options.unique is None and moments == (None, None, None),
    )


def _timeout_s(options: EnqueueOptions) -> int:
    """Return the timeout; without any limit the default applies, as in Go."""
    timeout_s = _whole_seconds(options.timeout)
    return timeout_s or (DEFAULT_TIMEOUT_S if options.deadline is None else 0)


def _deadline_s(deadline: datetime | None) -> int:
    return 0 if deadline is None else to_ns(deadline) // NANOSECONDS


def _whole_seconds(duration: Duration | None) -> int:
    """Round up: Go cuts half a second to none, which means no limit."""
    return 0 if duration is None else math.ceil(to_seconds(duration))
