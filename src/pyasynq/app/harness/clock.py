"""The clock of a test, which takes along what expires in Redis, and enqueues periodic tasks."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from typing_extensions import override

from pyasynq.app.harness.expiry import Expiry
from pyasynq.clock import MICROSECOND, FakeClock, forward_span

if TYPE_CHECKING:
    from pyasynq.app.harness.due_ticks import DueTicks


class HarnessClock(FakeClock):
    """A FakeClock; what expires in the Redis of the test goes by it, and so do periodic tasks."""

    def __init__(self) -> None:
        super().__init__()
        self._expiry: Expiry | None = None
        self._ticks: DueTicks | None = None

    @contextmanager
    def followed_by(self, expiry: Expiry, ticks: "DueTicks | None" = None) -> Iterator[None]:
        """Inside the block, let *expiry* and *ticks* follow the clock."""
        self._expiry, self._ticks = expiry, ticks
        try:
            yield
        finally:
            self._expiry = self._ticks = None

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
        end_ns = self.now_ns() + span // MICROSECOND * 1000
        if self._ticks is not None:
            self._advance_by_ticks(self._expiry, self._ticks, end_ns)
        self._advance_to(self._expiry, end_ns)

    def _advance_by_ticks(self, expiry: Expiry, ticks: "DueTicks", end_ns: int) -> None:
        while (at_ns := ticks.next_ns) is not None and at_ns <= end_ns:
            self._advance_to(expiry, min(at_ns, end_ns))
            if ticks.fire():
                expiry.hold()

    def _advance_to(self, expiry: Expiry, at_ns: int) -> None:
        ahead_ns = max(0, at_ns - self.now_ns())
        super().advance(MICROSECOND * -(-ahead_ns // 1000))
        expiry.expire()
