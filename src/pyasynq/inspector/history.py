"""What a queue did on each day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from pyasynq.clock import NANOSECONDS, to_datetime
from pyasynq.errors import ConfigError
from pyasynq.inspector.pages import whole_number_fault

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


def check_days(days: object) -> None:
    """Raise a ConfigError if a number of days is out of range."""
    ConfigError.raise_if([whole_number_fault("days", days, most=MOST_DAYS)])


def daily(
    queue: str, seconds: Sequence[int], counts: Sequence[tuple[int, int]]
) -> list[DailyStats]:
    """Return the counts of days, of which each has one of *seconds*."""
    return [
        DailyStats(
            queue=queue,
            date=to_datetime(second * NANOSECONDS).date(),
            processed=processed,
            failed=failed,
        )
        for second, (processed, failed) in zip(seconds, counts, strict=True)
    ]
