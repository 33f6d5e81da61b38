"""When cron specs, and the entries of schedulers, are due: as far as what they show tells it. Pure.

A scheduler in Go does not show in which time zone it reads its specs. The time that it shows as the
next one tells whether a guess is right.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from itertools import chain

from pyasynq.errors import ConfigError
from pyasynq.inspector import SchedulerEntry
from pyasynq.scheduler.cron import CronSchedule, Schedule, parse

_A_MOMENT = timedelta(microseconds=1)
_FIELDS_WITH_SECONDS = 6


def schedule_of(entry: SchedulerEntry, zone: str = "UTC") -> Schedule:
    """Return when an entry is due.

    Args:
        zone: in which its scheduler reads its spec, unless that names one itself.

    Raises:
        ConfigError: its spec cannot be read, or its scheduler reads it in another time zone.
    """
    schedule = parse(entry.spec, zone, seconds=_has_seconds(entry.spec))
    following = entry.next_enqueue_at
    if following is None or not isinstance(schedule, CronSchedule):
        return schedule
    if schedule.next_after(following - _A_MOMENT) != following:
        raise ConfigError(
            f"scheduler entry {entry.id!r} is due at {following.isoformat()}, so its spec "
            f"{entry.spec!r} is not meant in {zone} time; name the time zone of its scheduler"
        )
    return schedule


def spec_of(entry: SchedulerEntry) -> Schedule | None:
    """Return when an entry is due, as its spec has it in UTC; None if that cannot be read."""
    try:
        return parse(entry.spec, "UTC", seconds=_has_seconds(entry.spec))
    except ConfigError:
        return None


def times_of(entry: SchedulerEntry, schedule: Schedule, now: datetime) -> Iterator[datetime]:
    """Yield when an entry is due next and after that; an interval goes on from the next time."""
    following = entry.next_enqueue_at
    if following is None:
        return schedule.after(now)
    return chain([following.astimezone(schedule.location)], schedule.after(following))


def zone_of(schedule: Schedule) -> tzinfo:
    """Return the time zone whose clock the schedule goes by."""
    return schedule.zone if isinstance(schedule, CronSchedule) else schedule.location


def _has_seconds(spec: str) -> bool:
    """Return whether a spec begins with a field for seconds, as far as their number tells it."""
    fields = spec.split()
    zones = len(fields) and fields[0].startswith(("TZ=", "CRON_TZ="))
    return len(fields) - bool(zones) == _FIELDS_WITH_SECONDS
