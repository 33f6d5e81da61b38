"""Counts the writes that too few replicas have in time, and says it once."""

import logging
from collections.abc import Callable

MISSING = (
    "what this %s has written is on %d of %d replicas only, and it goes on: if redis fails before "
    "they have it, it is lost, and what was done is done again"
)
THERE_AGAIN = "what this %s writes is on %d of %d replicas again"


class ReplicaLog:
    """Hears how many replicas have each write.

    Args:
        log: where to say it.
        who: writes, as the lines call it.
        wanted: how many replicas there should be.
        on_missing: called for each write that too few of them have, if anybody counts.
    """

    def __init__(
        self, log: logging.Logger, who: str, wanted: int, on_missing: Callable[[], object] = bool
    ) -> None:
        self._log = log
        self._who = who
        self._wanted = wanted
        self._on_missing = on_missing
        self._is_missing = False

    def __call__(self, count: int) -> None:
        """Hear that *count* replicas have a write."""
        was_missing, self._is_missing = self._is_missing, count < self._wanted
        if self._is_missing:
            self._on_missing()
            if not was_missing:
                self._log.warning(MISSING, self._who, count, self._wanted)
        elif was_missing:
            self._log.info(THERE_AGAIN, self._who, count, self._wanted)
