"""Logs what keeps ticks from making tasks, without a line for each of them."""

import logging

from pyasynq.clock import Clock
from pyasynq.lifecycle.outage import LoggedOnce
from pyasynq.scheduler.entry import Entry
from pyasynq.shown import shown

logger = logging.getLogger("pyasynq.scheduler")

AGAIN_S = 600.0  # so long the ticks of an entry pass for the same reason without another line


class TickLog:
    """Tells for each entry why its ticks make no task."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._troubles = LoggedOnce(logger, "cannot enqueue the tick of %s (entry %s): %s")
        self._told: dict[str, tuple[str, float]] = {}  # by entry: why, and when that was told

    def stored(self, entry: Entry) -> None:
        """Note that a tick made a task: the next trouble is logged again."""
        self._troubles.ends(_named(entry), entry.id)

    def failed(self, entry: Entry, error: Exception) -> None:
        """Log that a tick could not be enqueued, unless the one before failed for that reason."""
        self._troubles.begins(error, _named(entry), entry.id)

    def passed(self, entry: Entry, why: str, detail: str = "") -> None:
        """Log that a tick makes no task because the user wants that.

        Args:
            why: the reason; the same one is logged every ten minutes at most.
            detail: is logged too.
        """
        self._troubles.ends(_named(entry), entry.id)
        now = self._clock.monotonic()
        before, told_at = self._told.get(entry.id, ("", 0.0))
        if before == why and now < told_at + AGAIN_S:
            return
        self._told[entry.id] = why, now
        text = f"{why} {shown(detail)}".rstrip()
        logger.info("a tick of %s (entry %s) passes: %s", _named(entry), entry.id, text)

    def forget(self, entry_id: str) -> None:
        """Forget what was told of an entry that is gone."""
        self._told.pop(entry_id, None)


def _named(entry: Entry) -> str:
    return f"{shown(entry.task.type)} ({shown(entry.schedule.spec)})"
