"""When periodic tasks are due, in the language of a page.

A schedule tells that in English itself; other languages have ``web/catalogues/cron.*.toml``.
"""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import cache
from importlib.resources import files
from itertools import product
from typing import Any

from pyasynq.scheduler.cron import CronSchedule, EverySchedule, Schedule
from pyasynq.web.pages.catalogue import Language

MOST_TIMES = 4  # that are named one by one
LEAST_IN_A_ROW = 3  # values that are told as a range
MONTHS = 12


def due_words(schedule: Schedule, language: Language) -> tuple[str, Language]:
    """Return when a schedule fires, and in which language that is told."""
    forms = _forms(language)
    if forms and isinstance(schedule, EverySchedule):
        return _Words(forms).every(schedule.every), language
    if forms and isinstance(schedule, CronSchedule):
        return _Words(forms).fires(schedule), language
    return schedule.describe(), "en"


class _Words:
    """Writes in one language.

    Args:
        forms: its texts.
    """

    def __init__(self, forms: Mapping[str, Any]) -> None:
        self._forms = forms

    def every(self, length: timedelta) -> str:
        minutes, seconds = divmod(int(length.total_seconds()), 60)
        hours, minutes = divmod(minutes, 60)
        given = {"hours": hours, "minutes": minutes, "seconds": seconds}
        parts = [self._form(unit, count=count) for unit, count in given.items() if count]
        return self._form("every", span=" ".join(parts))

    def fires(self, schedule: CronSchedule) -> str:
        calendar = schedule.calendar
        if calendar.is_empty:
            return self._form("never")
        parts = (self._days(schedule), self._times(schedule))
        text = " ".join(filter(None, parts))
        if schedule.zone is schedule.location:
            return text
        return self._form("zone", text=text, zone=schedule.zone)

    def _times(self, schedule: CronSchedule) -> str:
        """Return at what times of a day."""
        calendar = schedule.calendar
        hours, minutes, seconds = (
            each.values for each in (calendar.hours, calendar.minutes, calendar.seconds)
        )
        if len(hours) * len(minutes) * len(seconds) <= MOST_TIMES:
            return self._joined([_clock(*each) for each in product(hours, minutes, seconds)])
        step = _step(hours, 24)
        parts = [] if step else [self._within(hours, seconds == minutes == (0,))]
        if seconds != (0,):
            parts.append(self._repeated("second", seconds))
        if minutes == (0,):
            return " ".join(parts if not step else [self._stepped("hour", step)])
        if step and step > 1 and not _step(minutes, 60):
            listed = self._listed(minutes, str)
            return " ".join([*parts, self._form("minute_of_hours", count=step, listed=listed)])
        if not (seconds != (0,) and _step(minutes, 60) == 1):
            parts.append(self._repeated("minute", minutes))
        if step and step > 1:
            parts.insert(0, self._stepped("hour", step))
        return " ".join(parts)

    def _within(self, hours: Sequence[int], is_on_the_hour: bool) -> str:
        if is_on_the_hour and hours[-1] - hours[0] == len(hours) - 1:
            return " ".join([self._range(hours, 0), self._form("every_hour")])
        if is_on_the_hour:
            return self._joined([_clock(hour) for hour in hours])
        if hours[-1] - hours[0] == len(hours) - 1:
            return self._range(hours, 59)
        return self._form("in_hours", listed=self._listed(hours, str))

    def _range(self, hours: Sequence[int], minute: int) -> str:
        return self._form("from_to", first=_clock(hours[0]), last=_clock(hours[-1], minute))

    def _repeated(self, unit: str, values: Sequence[int]) -> str:
        if step := _step(values, 60):
            return self._stepped(unit, step)
        return self._form(f"{unit}_of", listed=self._listed(values, str))

    def _stepped(self, unit: str, step: int) -> str:
        return (
            self._form(f"every_{unit}") if step == 1 else self._form(f"every_{unit}s", count=step)
        )

    def _days(self, schedule: CronSchedule) -> str:
        """Return on what days of months and weeks."""
        days, weekdays = schedule.calendar.days, schedule.calendar.weekdays
        months = schedule.calendar.months.values
        named = "" if len(months) == MONTHS else self._listed(months, self._month)
        of_week = self._listed(weekdays.values, self._forms["weekdays"].__getitem__)
        if days.is_any or not days.values:
            return " ".join(filter(None, (named, "" if weekdays.is_any else of_week)))
        listed = self._listed(days.values, str)
        key = "on_days_of" if named else "on_days"
        of_month = self._form(key, listed=listed, months=named)
        if weekdays.is_any or not weekdays.values:
            return of_month
        return self._form("either", days=of_month, weekdays=of_week)

    def _month(self, number: int) -> str:
        return self._form("month", number=number)

    def _listed(self, values: Sequence[int], name: Callable[[int], str]) -> str:
        """Return values by their names, those in a row as a range."""
        rows: list[list[int]] = []
        for value in values:
            if rows and value == rows[-1][-1] + 1:
                rows[-1].append(value)
            else:
                rows.append([value])
        parts: list[str] = []
        for row in rows:
            if len(row) >= LEAST_IN_A_ROW:
                parts.append(self._form("from_to", first=name(row[0]), last=name(row[-1])))
            else:
                parts += map(name, row)
        return self._joined(parts)

    def _joined(self, parts: Sequence[str]) -> str:
        comma: str = self._forms["comma"]
        return comma.join(parts)

    def _form(self, key: str, **values: object) -> str:
        form: str = self._forms[key]
        return form.format_map(values)


@cache
def _forms(language: Language) -> Mapping[str, Any]:
    path = files("pyasynq.web").joinpath("catalogues", f"cron.{language}.toml")
    return tomllib.loads(path.read_text("utf-8")) if path.is_file() else {}


def _step(values: Sequence[int], count: int) -> int | None:
    """Return the step of values that go on evenly from one day or hour to the next."""
    step = values[1] - values[0] if len(values) > 1 else 0
    is_even = step and count % step == 0
    return step if is_even and tuple(values) == tuple(range(0, count, step)) else None


def _clock(hour: int, minute: int = 0, second: int = 0) -> str:
    return f"{hour:02}:{minute:02}" + (f":{second:02}" if second else "")
