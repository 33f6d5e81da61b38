"""The time: the only module that asks the operating system for it.

Every component is given a Clock. Times written to Redis are integers since the Unix epoch, in
nanoseconds or whole seconds; users see aware datetimes in UTC. A Clock also knows the time of the
Redis server, as exactly as its samples allow: a sample, and what has passed since by a clock that
does not jump when somebody sets the time of this machine.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol

from pyasynq.errors import ConfigError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
NANOSECONDS = 1_000_000_000
# What a datetime and a timedelta can hold; Go and other programs may store more.
EARLIEST_S = -62_135_596_800
LATEST_S = 253_402_300_799
LONGEST_S = 999_999_999 * 86_400
MICROSECOND_NS = 1000  # Redis rounds its time down to microseconds
SLOWEST_SAMPLE_NS = 200_000_000  # samples of slower round trips are too inexact


def _steady() -> Callable[[], int]:
    """Return the clock that goes on while the machine sleeps, where there is one."""
    try:
        clock = partial(time.clock_gettime_ns, time.CLOCK_BOOTTIME)
        clock()
    except (AttributeError, OSError):  # only Linux has it, and not in every sandbox
        return time.monotonic_ns
    return clock


# Nanoseconds since some moment, the same one in every process of this machine. It never jumps.
steady_ns: Callable[[], int] = _steady()


class Clock(Protocol):
    """What components need of a clock."""

    def now_ns(self) -> int:
        """Return the local time in nanoseconds since the epoch."""

    def monotonic(self) -> float:
        """Return seconds that never go back, for durations."""

    def redis_now_ns(self) -> int:
        """Return the time of the Redis server, as far as it is known, else the local time."""

    def observe(self, *, sent_ns: int, received_ns: int, redis_ns: int) -> bool:
        """Take a sample of the server's clock; return whether it was exact enough to count.

        Args:
            sent_ns, received_ns: when it was asked and when it answered, by `steady_ns`.
            redis_ns: what it answered, in nanoseconds since the epoch.
        """


def clock_fault(clock: object) -> str | None:
    """Return what is wrong with a clock that a user gives; None if it is good, or not given."""
    needed = (each for each in vars(Clock) if not each.startswith("_"))
    if clock is None or all(callable(getattr(clock, each, None)) for each in needed):
        return None
    return f"clock must be a Clock, not {type(clock).__name__}"


class SystemClock:
    """The clock of this machine."""

    # The functions themselves, without a method around them: each task calls them several times.
    now_ns: "staticmethod[[], int]" = staticmethod(time.time_ns)
    monotonic: "staticmethod[[], float]" = staticmethod(time.monotonic)

    def __init__(self) -> None:
        self.offset_ns: int | None = None  # Redis minus `steady_ns`; None before the first sample

    def redis_now_ns(self) -> int:
        """Return the time of the Redis server, as far as it is known, else the local time."""
        offset_ns = self.offset_ns  # read once: another thread may take a sample meanwhile
        return self.now_ns() if offset_ns is None else steady_ns() + offset_ns

    def observe(self, *, sent_ns: int, received_ns: int, redis_ns: int) -> bool:
        """Take a sample of the server's clock; return whether it was exact enough to count.

        A sample gives only bounds of the difference, since the answer may have taken all the time
        of the round trip or none of it. An estimate outside the bounds moves to the nearer one.
        So no sample makes the estimate worse. The first estimate is the local time, and clocks
        that agree keep agreeing, however slow Redis is.
        """
        if not 0 <= received_ns - sent_ns <= SLOWEST_SAMPLE_NS:
            return False
        lowest_ns, highest_ns = redis_ns - received_ns, redis_ns + MICROSECOND_NS - sent_ns
        offset_ns = self.offset_ns
        if offset_ns is None:
            offset_ns = self.now_ns() - steady_ns()
        self.offset_ns = min(max(offset_ns, lowest_ns), highest_ns)
        return True


def redis_now_s(clock: Clock) -> int:
    """Return the time of Redis in whole seconds, as it and Go Asynq count leases and schedules."""
    return clock.redis_now_ns() // NANOSECONDS


def to_datetime(time_ns: int) -> datetime:
    """Return the aware UTC datetime of *time_ns* nanoseconds since the epoch.

    A time before the year 1 or after 9999 becomes the nearest second that a datetime can hold.
    """
    try:
        return EPOCH + MICROSECOND * (time_ns // 1000)
    except OverflowError:
        return datetime.fromtimestamp(EARLIEST_S if time_ns < 0 else LATEST_S, UTC)


def to_span(seconds: float) -> timedelta:
    """Return *seconds* as a timedelta; the longest timedelta for more than that."""
    return timedelta(seconds=min(max(seconds, -LONGEST_S), LONGEST_S))


def to_ns(moment: datetime) -> int:
    """Return nanoseconds since the epoch of an aware datetime, exact to the microsecond."""
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * NANOSECONDS + since.microseconds * 1000


def forward_span(by: timedelta | float) -> timedelta:
    """Return how far a clock is moved.

    Raises:
        ConfigError: it is neither a timedelta nor a number of seconds, or less than zero.
    """
    try:
        span = by if isinstance(by, timedelta) else timedelta(seconds=by)
    except (TypeError, ValueError, OverflowError):
        raise ConfigError(f"a clock is moved by seconds or a timedelta, not {by!r}") from None
    if span < timedelta(0):
        raise ConfigError("a clock cannot go back")
    return span


class FakeClock:
    """A clock that stands still until it is advanced; for tests.

    Args:
        now: the time that it shows at first; the machine's time if not given.
    """

    def __init__(self, now: datetime | None = None) -> None:
        self._now_ns = time.time_ns() if now is None else to_ns(now)
        self._moved_s = 0.0

    @property
    def now(self) -> datetime:
        """The time that it shows, in UTC."""
        return to_datetime(self._now_ns)

    def advance(self, by: timedelta | float) -> None:
        """Move the clock forwards.

        Args:
            by: a timedelta or a number of seconds, at least zero.

        Raises:
            ConfigError: it is something else, or less than zero.
        """
        span = forward_span(by)
        self._now_ns += span // MICROSECOND * 1000
        self._moved_s += span.total_seconds()

    def now_ns(self) -> int:
        """Return the time that it shows, in nanoseconds since the epoch."""
        return self._now_ns

    def monotonic(self) -> float:
        """Return seconds that increase with those of the machine and with every `advance`."""
        return time.monotonic() + self._moved_s

    def redis_now_ns(self) -> int:
        """Return the time that it shows, as if Redis had the same time."""
        return self._now_ns

    def observe(self, *, sent_ns: int, received_ns: int, redis_ns: int) -> bool:
        """Ignore the time of Redis, *redis_ns*, between *sent_ns* and *received_ns*."""
        del sent_ns, received_ns, redis_ns
        return True
