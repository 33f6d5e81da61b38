"""Decides which tick of an entry is done next, also when some were missed: pure rules, no I/O."""

from datetime import datetime
from typing import Literal

from pyasynq.clock import NANOSECONDS, to_datetime
from pyasynq.scheduler.cron import EverySchedule, Schedule

Missed = Literal["skip", "once", "all"]

LATE_S = 60  # so late a tick is missed; before, a stall or a change of the leader made it late


def next_tick(
    schedule: Schedule, last_s: int, now_s: int, *, missed: Missed, within_s: int
) -> int | None:
    """Return the tick that is done after *last_s*; one that is not after *now_s* is due.

    Args:
        last_s: the tick that was done last, or when the entry was seen first; in seconds.
        missed: what is done about ticks that are over: "skip" leaves them out, unless they are
            less than a minute late; "once" does the last one of them, "all" does each.
        within_s: ticks that are over for longer are left out whatever *missed* says.

    Returns:
        None if the entry does not tick within five years.
    """
    following_s = _after(schedule, last_s)
    if following_s is None or following_s > now_s:
        return following_s
    oldest_s = now_s - (LATE_S if missed == "skip" else within_s)
    if missed == "all":
        if following_s >= oldest_s:
            return following_s
        return _first_from(schedule, last_s, oldest_s)
    latest_s = _latest(schedule, last_s, now_s)
    return latest_s if latest_s >= oldest_s else _first_from(schedule, latest_s, now_s + 1)


def _after(schedule: Schedule, at_s: int) -> int | None:
    return _seconds(schedule.next_after(to_datetime(at_s * NANOSECONDS)))


def _latest(schedule: Schedule, last_s: int, now_s: int) -> int:
    """Return the last tick that is not after *now_s*, of which there is one after *last_s*."""
    if isinstance(schedule, EverySchedule):
        every_s = int(schedule.every.total_seconds())
        return last_s + (now_s - last_s) // every_s * every_s
    found = _seconds(schedule.previous_before(to_datetime((now_s + 1) * NANOSECONDS)))
    return last_s if found is None else found


def _first_from(schedule: Schedule, last_s: int, from_s: int) -> int | None:
    """Return the first tick at *from_s* or later."""
    if isinstance(schedule, EverySchedule):
        every_s = int(schedule.every.total_seconds())
        return last_s - (last_s - from_s) // every_s * every_s
    return _after(schedule, from_s - 1)


def _seconds(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp())
