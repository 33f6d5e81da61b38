"""Clocks of machines whose time is wrong, or is set while they run."""

from pyasynq.clock import NANOSECONDS, SystemClock

HOUR_S = 3600


class WrongClock(SystemClock):
    """The clock of a machine that is *ahead_s* ahead; `jump` sets it anew."""

    def __init__(self, ahead_s: int = 0) -> None:
        super().__init__()
        self._ahead_ns = ahead_s * NANOSECONDS

    def jump(self, by_s: int) -> None:
        self._ahead_ns += by_s * NANOSECONDS

    def now_ns(self) -> int:
        return super().now_ns() + self._ahead_ns


class StoppableClock(SystemClock):
    """A steady clock that a test can stop and set ahead; the rest is that of the machine."""

    def __init__(self) -> None:
        super().__init__()
        self._stopped_at: float | None = None

    def stop(self) -> None:
        self._stopped_at = super().monotonic()

    def advance(self, by_s: float) -> None:
        assert self._stopped_at is not None
        self._stopped_at += by_s

    def monotonic(self) -> float:
        return super().monotonic() if self._stopped_at is None else self._stopped_at
