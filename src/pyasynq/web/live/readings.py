"""What is known from reading again and again. Pure."""

from collections import deque
from datetime import datetime

from pyasynq.clock import to_datetime
from pyasynq.inspector.snapshot import Snapshot
from pyasynq.web.live.changes import ALL, Comparison, joined


class Readings:
    """The readings since somebody has begun to listen.

    Args:
        recent_s: for how long changes are remembered.

    Attributes:
        stale_since: since when Redis does not answer; None if it does.
    """

    def __init__(self, recent_s: float) -> None:
        self._recent_s = recent_s
        self._comparison = Comparison()
        self._recent: deque[tuple[float, frozenset[str]]] = deque()
        self._first: float | None = None
        self._good_ns: int | None = None
        self.stale_since: datetime | None = None

    def note(self, now: float, snapshot: Snapshot) -> frozenset[str]:
        """Take a reading, and return what has changed since the last one."""
        changes = self._comparison.changes(snapshot)
        if self.stale_since is not None:
            changes = frozenset([ALL])
        self._good_ns, self.stale_since = snapshot.at_ns, None
        self._first = now if self._first is None else self._first
        self._recent.append((now, changes))
        while self._recent[0][0] < now - self._recent_s:
            self._recent.popleft()
        return changes

    def note_failure(self, now_ns: int) -> None:
        """Note that Redis does not answer, since the last reading or, if there is none, now."""
        if self.stale_since is None:
            self.stale_since = to_datetime(self._good_ns or now_ns)

    def is_enough(self, now: float) -> bool:
        """Return whether it is known what has changed not long ago, or that Redis is away."""
        is_old = self._first is not None and now - self._first >= self._recent_s
        return is_old or self.stale_since is not None

    def recently(self, now: float) -> frozenset[str]:
        """Return what has changed not long ago."""
        since = now - self._recent_s
        return joined(*(changes for at, changes in self._recent if at >= since))
