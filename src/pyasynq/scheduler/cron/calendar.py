"""Finds the moments of a calendar without time zones that fields of a cron spec allow."""

from bisect import bisect_left, bisect_right
from datetime import date, datetime, timedelta

import msgspec

from pyasynq.scheduler.cron.fields import Field

_DAY = timedelta(days=1)
_LONGEST_MONTHS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Calendar(msgspec.Struct, frozen=True):
    """The fields of a spec, from seconds to weekdays (0 is Sunday)."""

    seconds: Field
    minutes: Field
    hours: Field
    days: Field
    months: Field
    weekdays: Field

    @property
    def is_empty(self) -> bool:
        """Whether there is no such moment in any year, as for 30 February."""
        if not (self.seconds.values and self.minutes.values and self.hours.values):
            return True
        months, weekdays = self.months.values, self.weekdays.values
        has_day = any(
            day <= _LONGEST_MONTHS[month - 1] for month in months for day in self.days.values[:1]
        )
        if self.days.is_any or self.weekdays.is_any:
            return not (has_day and weekdays)
        return not (has_day or (weekdays and months))

    def first_from(self, moment: datetime, last: date) -> datetime | None:
        """Return the earliest allowed moment from *moment* on and until the day *last*."""
        day, earliest = moment.date(), (moment.hour, moment.minute, moment.second)
        while day <= last:
            if day.month not in self.months.values:
                day, earliest = _next_month(day), (0, 0, 0)
                continue
            if self._allows(day) and (found := self._time_from(*earliest)):
                return datetime(day.year, day.month, day.day, *found)  # noqa: DTZ001 - has no zone
            day, earliest = day + _DAY, (0, 0, 0)
        return None

    def last_until(self, moment: datetime, first: date) -> datetime | None:
        """Return the latest allowed moment until *moment* and from the day *first* on."""
        day, latest = moment.date(), (moment.hour, moment.minute, moment.second)
        while day >= first:
            if self._allows(day) and (found := self._time_until(*latest)):
                return datetime(day.year, day.month, day.day, *found)  # noqa: DTZ001 - has no zone
            day, latest = day - _DAY, (23, 59, 59)
        return None

    def _allows(self, day: date) -> bool:
        """Return whether a day is allowed; either field for days is enough if both restrict."""
        if day.month not in self.months.values:
            return False
        is_day = day.day in self.days.values
        is_weekday = day.isoweekday() % 7 in self.weekdays.values
        if self.days.is_any or self.weekdays.is_any:
            return is_day and is_weekday
        return is_day or is_weekday

    def _time_from(self, hour: int, minute: int, second: int) -> tuple[int, int, int] | None:
        """Return the earliest allowed time of a day that is not before the given one."""
        hours, minutes, seconds = self.hours.values, self.minutes.values, self.seconds.values
        if not (minutes and seconds):
            return None
        if hour in hours:
            if minute in minutes and (at := bisect_left(seconds, second)) < len(seconds):
                return hour, minute, seconds[at]
            if (at := bisect_right(minutes, minute)) < len(minutes):
                return hour, minutes[at], seconds[0]
        at = bisect_right(hours, hour) if hour in hours else bisect_left(hours, hour)
        return (hours[at], minutes[0], seconds[0]) if at < len(hours) else None

    def _time_until(self, hour: int, minute: int, second: int) -> tuple[int, int, int] | None:
        """Return the latest allowed time of a day that is not after the given one."""
        hours, minutes, seconds = self.hours.values, self.minutes.values, self.seconds.values
        if not (minutes and seconds):
            return None
        if hour in hours:
            if minute in minutes and (at := bisect_right(seconds, second)):
                return hour, minute, seconds[at - 1]
            if at := bisect_left(minutes, minute):
                return hour, minutes[at - 1], seconds[-1]
        at = bisect_left(hours, hour)
        return (hours[at - 1], minutes[-1], seconds[-1]) if at else None


def _next_month(day: date) -> date:
    return date(day.year + day.month // 12, day.month % 12 + 1, 1)
