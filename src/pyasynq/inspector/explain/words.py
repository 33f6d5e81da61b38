"""Words that the findings share: names, counts, times."""

from collections.abc import Collection
from datetime import datetime, timedelta
from shlex import quote

from pyasynq.broker.decoding import whole
from pyasynq.clock import NANOSECONDS, to_datetime, to_span
from pyasynq.shown import shown, span

LONGEST_ERROR = 200  # characters of the error of a task in a sentence; its evidence has all of it


def quoted(name: str) -> str:
    """Return a name of somebody else in quotes, safe to print."""
    return repr(shown(name))


def counted(number: int, what: str) -> str:
    """Return a number with its noun, such as "1 task" and "1,200 tasks"."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def between(start_ns: int, end_ns: int) -> timedelta:
    """Return the time from one moment to another; zero if it is negative."""
    return to_span(max(0, end_ns - start_ns) / NANOSECONDS)


def length(start_ns: int, end_ns: int) -> str:
    """Return that time in words, such as ``3h 5m``."""
    return span(between(start_ns, end_ns))


def score_ns(score: float | None) -> int | None:
    """Return a score, which may be any number, as nanoseconds since the epoch; None for none."""
    return whole(score) * NANOSECONDS if score else None


def moment(score: float | None) -> datetime | None:
    """Return a time that is stored in seconds; None for none."""
    return moment_of(score_ns(score))


def moment_of(time_ns: int | None) -> datetime | None:
    """Return a time in nanoseconds as a datetime; None for None."""
    return None if time_ns is None else to_datetime(time_ns)


def error_text(error: str) -> str:
    """Return the error of a task for a sentence: its first line, cut."""
    first = error.strip().split("\n", 1)[0]
    return shown(first, LONGEST_ERROR) if first else "no text"


def joined(names: Collection[str]) -> str:
    """Return quoted names, such as ``'a', 'b' and 'c'``."""
    *others, last = [quoted(each) for each in names]
    return f"{', '.join(others)} and {last}" if others else last


def command(verb: str, queue: str, task_id: str) -> str:
    """Return the command for a task as it is typed into a shell."""
    return f"`pyasynq task {verb} -q {quote(shown(queue))} {quote(shown(task_id))}`"
