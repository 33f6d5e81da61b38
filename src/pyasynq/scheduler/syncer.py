"""Reads again and again which periodic tasks are wanted."""

import logging
import math
from collections.abc import Awaitable, Callable

from pyasynq.clock import Clock
from pyasynq.errors import ConfigError
from pyasynq.lifecycle.component import Life
from pyasynq.shown import LONGEST_ERROR, shown

logger = logging.getLogger("pyasynq.scheduler")

WATCH_S = 0.5  # how often a file is looked at
LAST_SYNC_S = 0.5  # at the stop
FAILED = "cannot sync periodic tasks; the old ones stay"


class Syncer:
    """Syncs at the start, which must succeed, at an interval, and when a file has changed.

    Args:
        sync: does it.
        has_changed: whether there is something to do before the interval is over.
        interval_s: between two syncs.
    """

    name = "syncer"

    def __init__(
        self,
        sync: Callable[[], Awaitable[object]],
        has_changed: Callable[[], Awaitable[bool]],
        *,
        interval_s: float,
        clock: Clock,
    ) -> None:
        self._sync, self._has_changed = sync, has_changed
        self._interval_s, self._clock = interval_s, clock
        self._trouble = ""

    async def run(self, life: Life) -> None:
        """Sync until the stop; raise what the first sync raises."""
        life.stops_within_s = math.inf  # for it gives up by itself
        await life.until_stop(self._go_on(life), within_s=LAST_SYNC_S)

    async def _go_on(self, life: Life) -> None:
        await self._sync()
        life.started()
        synced_at = self._clock.monotonic()
        while await life.pause(min(WATCH_S, self._interval_s)):
            is_due = self._clock.monotonic() >= synced_at + self._interval_s
            if is_due or await self._has_changed():
                synced_at = self._clock.monotonic()
                await self._try()

    async def _try(self) -> None:
        try:
            await self._sync()
        except Exception as error:
            text = shown(f"{type(error).__name__}: {error}", LONGEST_ERROR)
            if text == self._trouble:
                return
            self._trouble = text
            if isinstance(error, ConfigError):  # says all there is to say
                text = shown(str(error), LONGEST_ERROR)
                logger.error("%s: %s", FAILED, text)  # noqa: TRY400
            else:
                logger.exception("%s: %s", FAILED, text)
        else:
            self._trouble = ""
