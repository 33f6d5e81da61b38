"""Answers when a spec fires next, and when it fired before.

A cron spec fires at each moment at which a clock on the wall of its time zone shows what its fields
allow. So what a change to summer time skips does not fire, and what the change back repeats fires
twice, as with robfig/cron v3.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import Protocol

import msgspec

from pyasynq.errors import ConfigError
from pyasynq.scheduler.cron import english
from pyasynq.scheduler.cron.calendar import Calendar

LONGEST_YEARS = 5  # robfig/cron v3 spec.go: a schedule that is silent for longer never fires
FIRST_YEAR, LAST_YEAR = 1899, 9901
_SECOND = timedelta(seconds=1)
_PROBE = timedelta(hours=12)  # shorter than any zone keeps an offset


class Schedule(Protocol):
    """When something fires."""

    @property
    def spec(self) -> str:
        """The text that it was read from."""

    @property
    def zone(self) -> tzinfo:
        """Whose clock counts."""

    @property
    def location(self) -> tzinfo:
        """The time zone of what it returns."""

    @property
    def can_fire(self) -> bool:
        """Whether there is any moment at which it fires; there is none for 30 February."""

    def next_after(self, moment: datetime) -> datetime | None:
        """Return when it fires first after *moment*; None if not within five years.

        Args:
            moment: an aware datetime.

        Returns:
            Whole seconds, in the location of the schedule.

        Raises:
            ConfigError: *moment* has no time zone, or lies before 1900 or after 9900.
        """

    def previous_before(self, moment: datetime) -> datetime | None:
        """Return when it fired last before *moment*; None if not within five years.

        See `next_after`.
        """

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Return an iterator over all times after *moment* at which it fires."""

    def describe(self) -> str:
        """Return in plain English when it fires."""


class CronSchedule(msgspec.Struct, frozen=True):
    """Fires when the clock of a time zone shows what the fields of a spec allow.

    Attributes:
        spec: the text that it was read from.
        calendar: the fields.
        zone: whose clock counts.
        location: the time zone of what is returned.
    """

    spec: str
    calendar: Calendar
    zone: tzinfo
    location: tzinfo

    @property
    def can_fire(self) -> bool:
        """See `Schedule`."""
        return not self.calendar.is_empty

    def next_after(self, moment: datetime) -> datetime | None:
        """See `Schedule`."""
        at = _in_utc(moment).replace(microsecond=0) + _SECOND
        last = _year_later(at.astimezone(self.zone), LONGEST_YEARS)
        while True:
            offset = _offset(self.zone, at)
            wall = self.calendar.first_from(_wall(at, offset), last)
            found = None if wall is None else (wall - offset).replace(tzinfo=UTC)
            change = self._next_change(at, found or at + 2 * _PROBE)
            if change is None:
                return None if found is None else found.astimezone(self.location)
            if found is not None and found < change:
                return found.astimezone(self.location)
            at = change

    def previous_before(self, moment: datetime) -> datetime | None:
        """See `Schedule`."""
        at = (_in_utc(moment) - timedelta(microseconds=1)).replace(microsecond=0)
        first = _year_later(at.astimezone(self.zone), -LONGEST_YEARS)
        while True:
            offset = _offset(self.zone, at)
            wall = self.calendar.last_until(_wall(at, offset), first)
            found = None if wall is None else (wall - offset).replace(tzinfo=UTC)
            change = self._last_change(at, found or at - 2 * _PROBE)
            if change is None:
                return None if found is None else found.astimezone(self.location)
            if found is not None and found >= change:
                return found.astimezone(self.location)
            at = change - _SECOND

    def after(self, moment: datetime) -> Iterator[datetime]:
        """See `Schedule`."""
        return _after(self, moment)

    def describe(self) -> str:
        """See `Schedule`."""
        text = english.describe(self.calendar)
        return text if self.zone is self.location else f"{text}, {self.zone} time"

    def _next_change(self, at: datetime, end: datetime) -> datetime | None:
        """Return the first second after *at* and until *end* with another offset, if any."""
        if isinstance(self.zone, timezone):  # it keeps its offset for ever
            return None
        offset = _offset(self.zone, at)
        while at < end:
            probe = min(at + _PROBE, end)
            if _offset(self.zone, probe) != offset:
                return self._change_between(at, probe)
            at = probe
        return None

    def _last_change(self, at: datetime, end: datetime) -> datetime | None:
        """Return since when the offset of *at* has been on, if not since before *end*."""
        if isinstance(self.zone, timezone):
            return None
        offset = _offset(self.zone, at)
        while at > end:
            probe = max(at - _PROBE, end)
            if _offset(self.zone, probe) != offset:
                return self._change_between(probe, at)
            at = probe
        return None

    def _change_between(self, before: datetime, after: datetime) -> datetime:
        """Return the first second that has the offset of *after*."""
        offset = _offset(self.zone, after)
        while after - before > _SECOND:
            middle = before + timedelta(seconds=(after - before) // _SECOND // 2)
            if _offset(self.zone, middle) == offset:
                after = middle
            else:
                before = middle
        return after


class EverySchedule(msgspec.Struct, frozen=True):
    """Fires again and again after a fixed time.

    Attributes:
        spec: the text that it was read from.
        every: from one time to the next, in whole seconds.
        location: the time zone of what is returned.
    """

    spec: str
    every: timedelta
    location: tzinfo

    @property
    def zone(self) -> tzinfo:
        """That of what is returned: no clock on a wall counts."""
        return self.location

    @property
    def can_fire(self) -> bool:
        """It always can."""
        return True

    def next_after(self, moment: datetime) -> datetime:
        """Return when it fires if it fired at *moment*; see `Schedule`."""
        at = _in_utc(moment).replace(microsecond=0)
        return (at + self.every).astimezone(self.location)

    def previous_before(self, moment: datetime) -> datetime:
        """Return when it fired last if it fires at *moment*; see `Schedule`."""
        at = _in_utc(moment).replace(microsecond=0)
        return (at - self.every).astimezone(self.location)

    def after(self, moment: datetime) -> Iterator[datetime]:
        """See `Schedule`."""
        return _after(self, moment)

    def describe(self) -> str:
        """See `Schedule`."""
        return f"every {english.span(self.every)}"


def _after(schedule: Schedule, moment: datetime) -> Iterator[datetime]:
    at: datetime | None = moment
    while at is not None and (at := schedule.next_after(at)) is not None:
        yield at


def _in_utc(moment: datetime) -> datetime:
    if moment.utcoffset() is None:
        raise ConfigError(f"{moment!r} has no time zone; give it one, as datetime.now(UTC) does")
    if not FIRST_YEAR < moment.year < LAST_YEAR:
        raise ConfigError(f"{moment!r} is out of range; years from 1900 to 9900 are known")
    return moment.astimezone(UTC)


def _offset(zone: tzinfo, at: datetime) -> timedelta:
    return at.astimezone(zone).utcoffset() or timedelta(0)


def _wall(at: datetime, offset: timedelta) -> datetime:
    """Return what a clock with this offset shows."""
    return at.replace(tzinfo=None) + offset


def _year_later(at: datetime, years: int) -> date:
    """Return the last day of the year that is *years* later; the first one if they are earlier."""
    return date(at.year + years, 1, 1) if years < 0 else date(at.year + years, 12, 31)
