"""What a queue did on each day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from pyasynq.broker.operations.queue_control import DAY_S
from pyasynq.clock import NANOSECONDS, to_datetime
from pyasynq.errors import ConfigError
from pyasynq.inspector.pages import whole_number_fault
from pyasynq.task import draft_of
from pyasynq.wire.keys import day_text

MOST_DAYS = 366


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyStats:
    """What a queue did on one day.

    Attributes:
        queue: its name.
        date: the day, in UTC.
        processed: how many attempts ended, failures included.
        failed: how many of them failed.
    """

    queue: str
    date: date
    processed: int
    failed: int


@dataclass(frozen=True, slots=True)
class Days:
    """Days in UTC, the latest first.

    Attributes:
        dates: the days.
        texts: the same as the names of counters have them.
    """

    dates: Sequence[date]
    texts: Sequence[str]


def last_days(now_s: int, count: int) -> Days:
    """Return the last days, that of *now_s* first.

    Raises:
        ConfigError: their number is out of range.
    """
    ConfigError.raise_if([whole_number_fault("days", count, most=MOST_DAYS)])
    seconds = [now_s - age * DAY_S for age in range(count)]
    return Days(
        dates=[to_datetime(each * NANOSECONDS).date() for each in seconds],
        texts=list(map(day_text, seconds)),
    )


def daily(queue: str, days: Days, counts: Sequence[tuple[int, int]]) -> list[DailyStats]:
    """Return the counts of days.

    A dashboard asks for ninety days of a thousand queues, so they are made of drafts.
    """
    found = []
    for day, (processed, failed) in zip(days.dates, counts, strict=True):
        draft = _Draft()
        draft.queue, draft.date, draft.processed, draft.failed = queue, day, processed, failed
        draft.__class__ = DailyStats
        found.append(draft)
    return found


_Draft = draft_of(DailyStats)
