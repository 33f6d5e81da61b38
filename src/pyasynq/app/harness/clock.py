"""The clock of a test, which takes along what expires in Redis, and enqueues periodic tasks."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from typing_extensions import override

from pyasynq.app.harness.expiry import Expiry
from pyasynq.clock import MICROSECOND, FakeClock, forward_span
from pyasynq.errors import ConfigError
from pyasynq.options import moment_fault

if TYPE_CHECKING:
    from pyasynq.app.harness.due_ticks import DueTicks
    from pyasynq.app.harness.enqueue_log import EnqueueLog


class HarnessClock(FakeClock):
    """A FakeClock; what expires in the Redis of the test goes by it, and so do periodic tasks."""

    def __init__(self, now: datetime | None = None) -> None:
        if now is not None:
            ConfigError.raise_if([moment_fault("now", now)])
        super().__init__(now)
        self._expiry: Expiry | None = None
        self._log: EnqueueLog | None = None
        self._ticks: DueTicks | None = None

    @contextmanager
    def followed_by(
        self, expiry: Expiry, log: "EnqueueLog", ticks: "DueTicks | None" = None
    ) -> Iterator[None]:
        """Inside the block, let *expiry* and *ticks* follow the clock, and *log* look before."""
        self._expiry, self._log, self._ticks = expiry, log, ticks
        try:
            yield
        finally:
            self._expiry = self._log = self._ticks = None

    def advance_to(self, moment: datetime) -> None:
        """Move the clock forwards to *moment*, an aware datetime; see `advance`.

        Raises:
            ConfigError: it is naive or no datetime, or the clock is past it.
        """
        ConfigError.raise_if([moment_fault("moment", moment)])
        if moment < self.now:
            raise ConfigError(f"a clock cannot go back: it shows {self.now}, so not {moment}")
        self.advance(moment - self.now)

    @override
    def advance(self, by: timedelta | float) -> None:
        """Move the clock forwards, and let all expire in Redis that is over then.

        It stops at each tick of a periodic task, in their order, to enqueue the task.

        Args:
            by: a timedelta or a number of seconds, at least zero.

        Raises:
            ConfigError: it is something else, or less than zero.
        """
        span = forward_span(by)
        if self._expiry is None:
            super().advance(span)
            return
        self._expiry.hold()
        if self._log is not None:
            self._log.look()
        end_ns = self.now_ns() + span // MICROSECOND * 1000
        if self._ticks is not None:
            self._advance_by_ticks(self._expiry, self._ticks, end_ns)
        self._advance_to(self._expiry, end_ns)

    def _advance_by_ticks(self, expiry: Expiry, ticks: "DueTicks", end_ns: int) -> None:
        while (at_ns := ticks.next_ns) is not None and at_ns <= end_ns:
            self._advance_to(expiry, min(at_ns, end_ns))
            if ticks.fire():
                expiry.hold()
            if self._log is not None:
                self._log.look()

    def _advance_to(self, expiry: Expiry, at_ns: int) -> None:
        ahead_ns = max(0, at_ns - self.now_ns())
        super().advance(MICROSECOND * -(-ahead_ns // 1000))
        expiry.expire()
