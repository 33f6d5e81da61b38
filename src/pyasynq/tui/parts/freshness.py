"""How old is what a view shows: pure decisions over the times of its reads."""

from dataclasses import dataclass, replace
from datetime import datetime

from pyasynq.shown import span

SLOW_S = 1.5  # a read that takes longer is told


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """What became of the reads of a view.

    Attributes:
        read_at: when the last read that succeeded was answered; None before the first one.
        asked_at: when the read that is under way began, by a clock that never goes back; None if
            none is.
        error: why the last read failed; empty if it did not.
    """

    read_at: datetime | None = None
    asked_at: float | None = None
    error: str = ""

    def asked(self, monotonic: float) -> "Freshness":
        """Return it after a read has begun."""
        return replace(self, asked_at=monotonic)

    def answered(self, now: datetime) -> "Freshness":
        """Return it after a read has succeeded."""
        return Freshness(read_at=now)

    def failed(self, error: str) -> "Freshness":
        """Return it after a read has failed."""
        return replace(self, asked_at=None, error=error)

    def given_up(self) -> "Freshness":
        """Return it after a read was given up, since nobody looks or another one is wanted."""
        return replace(self, asked_at=None)

    def banner(self, now: datetime, monotonic: float) -> str:
        """Return what is wrong, for people; empty if nothing is."""
        is_slow = self.asked_at is not None and monotonic - self.asked_at >= SLOW_S
        if not self.error and not is_slow:
            return ""
        trouble = self.error or "redis does not answer"
        if self.read_at is None:
            return f"▲ trying again: {trouble}"
        since = f"{self.read_at:%H:%M:%S} UTC ({span(now - self.read_at)})"
        return f"▲ stale since {since}, trying again: {trouble}"
