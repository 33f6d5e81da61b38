"""The time: the only module that asks the operating system for it.

Every component is given a Clock. Times written to Redis are integers since the Unix epoch, in
nanoseconds or whole seconds; users see aware datetimes in UTC. A Clock also knows how far the
clock of the Redis server is from the local one, as exactly as its samples tell.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

from pyasynq.errors import ConfigError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
NANOSECONDS = 1_000_000_000
# What a datetime and a timedelta can hold; Go and others may store more.
EARLIEST_S = -62_135_596_800
LATEST_S = 253_402_300_799
LONGEST_S = 999_999_999 * 86_400
MICROSECOND_NS = 1000  # Redis cuts its time to microseconds
SLOWEST_SAMPLE_NS = 200_000_000  # a slower round trip says too little about the server's clock


class Clock(Protocol):
    """What components ask of a clock."""

    def now_ns(self) -> int:
        """Return the local time in nanoseconds since the epoch."""

    def monotonic(self) -> float:
        """Return seconds that never go back, for durations."""

    def redis_now_ns(self) -> int:
        """Return the Redis server's time, as far as it is known, else the local time."""

    def redis_now_s(self) -> int:
        """Return the same in whole seconds, as Redis and Go Asynq count leases and schedules."""

    def observe(self, *, sent_ns: int, received_ns: int, redis_ns: int) -> bool:
        """Take a sample of the server's clock; return whether it was good enough to count."""


class SystemClock:
    """The clock of this machine."""

    # The functions themselves: each task asks several times.
    now_ns = staticmethod(time.time_ns)
    monotonic = staticmethod(time.monotonic)

    def __init__(self) -> None:
        self.offset_ns = 0  # Redis minus local

    def redis_now_ns(self) -> int:
        """Return the Redis server's time, as far as it is known, else the local time."""
        # The same function as the samples are taken by, whoever replaces that of `time` since.
        return self.now_ns() + self.offset_ns

    def redis_now_s(self) -> int:
        """Return the same in whole seconds."""
        return self.redis_now_ns() // NANOSECONDS

    def observe(self, *, sent_ns: int, received_ns: int, redis_ns: int) -> bool:
        """Take a sample of the server's clock; return whether it was good enough to count.

        A sample tells only between which bounds the difference lies, for the answer may have
        taken all the time or none. The estimate moves to the nearer bound, if it is not between
        them: so no sample makes it worse, and clocks that agree stay so however slow Redis is.
        """
        if not 0 <= received_ns - sent_ns <= SLOWEST_SAMPLE_NS:
            return False
        lowest_ns, highest_ns = redis_ns - received_ns, redis_ns + MICROSECOND_NS - sent_ns
        self.offset_ns = min(max(self.offset_ns, lowest_ns), highest_ns)
        return True


def to_datetime(time_ns: int) -> datetime:
    """Return the aware UTC datetime of *time_ns* nanoseconds since the epoch.

    A time before the year 1 or after 9999 becomes the nearest second that can be told.
    """
    try:
        return EPOCH + MICROSECOND * (time_ns // 1000)
    except OverflowError:
        return datetime.fromtimestamp(EARLIEST_S if time_ns < 0 else LATEST_S, UTC)


def to_span(seconds: float) -> timedelta:
    """Return *seconds* as a timedelta; the longest there is for more than it can hold."""
    return timedelta(seconds=min(max(seconds, -LONGEST_S), LONGEST_S))


def to_ns(moment: datetime) -> int:
    """Return nanoseconds since the epoch of an aware datetime, exact to the microsecond."""
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * NANOSECONDS + since.microseconds * 1000


class FakeClock:
    """A clock that stands still until it is moved; for tests.

    Args:
        now: what it shows at first; the machine's time if not given.
    """

    def __init__(self, now: datetime | None = None) -> None:
        self._now_ns = time.time_ns() if now is None else to_ns(now)
        self._moved_s = 0.0

    @property
    def now(self) -> datetime:
        """What it shows, in UTC."""
        return to_datetime(self._now_ns)

    def advance(self, by: timedelta | float) -> None:
        """Move it forwards, by a timedelta or a number of seconds, not below zero."""
        span = by if isinstance(by, timedelta) else timedelta(seconds=by)
        if span < timedelta(0):
            raise ConfigError("a clock does not go back")
        self._now_ns += span // MICROSECOND * 1000
        self._moved_s += span.total_seconds()

    def now_ns(self) -> int:
        """Return what it shows, in nanoseconds since the epoch."""
        return self._now_ns

    def monotonic(self) -> float:
        """Return seconds that go on with the machine's and with every `advance`."""
        return time.monotonic() + self._moved_s

    def redis_now_ns(self) -> int:
        """Return what it shows: Redis is taken to have the same time."""
        return self._now_ns

    def redis_now_s(self) -> int:
        """Return the same in whole seconds."""
        return self._now_ns // NANOSECONDS

    def observe(self, *, sent_ns: int, received_ns: int, redis_ns: int) -> bool:
        """Take no notice of the time of Redis."""
        del sent_ns, received_ns, redis_ns
        return True
