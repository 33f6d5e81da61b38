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
