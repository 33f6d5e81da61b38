"""Says in plain English when a calendar of cron fields allows a moment."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import product

from pyasynq.scheduler.cron.calendar import Calendar
from pyasynq.scheduler.cron.fields import HOUR, MINUTE, SECOND, Kind

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_MOST_TIMES = 4  # that are named one by one
_LEAST_IN_A_ROW = 3  # values that are told as a range


def describe(calendar: Calendar) -> str:
    """Return such as ``at 09:30 on Monday to Friday``."""
    if calendar.is_empty:
        return "never"
    return " ".join(filter(None, (_times(calendar), _days(calendar), _months(calendar))))


def span(duration: timedelta) -> str:
    """Return such as ``1 hour 30 minutes``; whole seconds, at least one."""
    minutes, seconds = divmod(int(duration.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "hour"), (minutes, "minute"), (seconds, "second"))
    given = [(count, unit) for count, unit in parts if count]
    if len(given) == 1 and given[0][0] == 1:
        return given[0][1]
    return " ".join(f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in given)


def _times(calendar: Calendar) -> str:
    """Return at what times of a day."""
    seconds, minutes, hours = (
        each.values for each in (calendar.seconds, calendar.minutes, calendar.hours)
    )
    if len(seconds) * len(minutes) * len(hours) <= _MOST_TIMES:
        return f"at {_joined([_clock(*each) for each in product(hours, minutes, seconds)])}"
    if seconds == minutes == (0,):
        return _on_the_hour(hours)
    parts = [] if seconds == (0,) else [_repeated(seconds, SECOND, "minute")]
    step = _step(hours, HOUR)
    is_hour_told = step == 1
    if not (parts and _step(minutes, MINUTE) == 1):
        is_hour_told = is_hour_told or (step is not None and _step(minutes, MINUTE) is None)
        parts.append(_repeated(minutes, MINUTE, f"{step} hours" if step and step > 1 else "hour"))
    return ", ".join(parts if is_hour_told else [*parts, _within(hours)])


def _on_the_hour(hours: Sequence[int]) -> str:
    if step := _step(hours, HOUR):
        return f"every {span(timedelta(hours=step))}"
    if _is_in_a_row(hours):
        return f"every hour from {_clock(hours[0])} to {_clock(hours[-1])}"
    return f"at {_joined([_clock(hour) for hour in hours])}"


def _within(hours: Sequence[int]) -> str:
    if _is_in_a_row(hours):
        return f"from {_clock(hours[0])} to {_clock(hours[-1], 59)}"
    return f"in the hours {_listed(hours, str)}"


def _repeated(values: Sequence[int], kind: Kind, of: str) -> str:
    """Return which seconds or minutes of each minute or hour."""
    if step := _step(values, kind):
        return f"every {kind.name}" if step == 1 else f"every {step} {kind.name}s"
    return f"at {kind.name} {_listed(values, str)} of every {of}"


def _step(values: Sequence[int], kind: Kind) -> int | None:
    """Return the step of values that go on evenly from one day or hour to the next."""
    step = values[1] - values[0] if len(values) > 1 else 0
    is_even = step and (kind.most + 1) % step == 0
    return step if is_even and tuple(values) == tuple(range(0, kind.most + 1, step)) else None


def _days(calendar: Calendar) -> str:
    """Return on what days of months and weeks."""
    days, weekdays = calendar.days, calendar.weekdays
    word = "day" if len(days.values) == 1 else "days"
    of_month = f"on {word} {_listed(days.values, str)} of the month"
    of_week = f"on {_listed(weekdays.values, _WEEKDAYS.__getitem__)}"
    if days.is_any or not days.values:
        return "" if weekdays.is_any else of_week
    return of_month if weekdays.is_any or not weekdays.values else f"{of_month} or {of_week}"


def _months(calendar: Calendar) -> str:
    if len(calendar.months.values) == len(_MONTHS):
        return ""
    return f"in {_listed(calendar.months.values, lambda month: _MONTHS[month - 1])}"


def _clock(hour: int, minute: int = 0, second: int = 0) -> str:
    return f"{hour:02}:{minute:02}" + (f":{second:02}" if second else "")


def _is_in_a_row(values: Sequence[int]) -> bool:
    return values[-1] - values[0] == len(values) - 1


def _listed(values: Sequence[int], name: Callable[[int], str]) -> str:
    """Return values by their names, those in a row as a range."""
    rows: list[list[int]] = []
    for value in values:
        if rows and value == rows[-1][-1] + 1:
            rows[-1].append(value)
        else:
            rows.append([value])
    parts: list[str] = []
    for row in rows:
        if len(row) >= _LEAST_IN_A_ROW:
            parts.append(f"{name(row[0])} to {name(row[-1])}")
        else:
            parts += map(name, row)
    return _joined(parts)


def _joined(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
