"""Deletes completed tasks whose retention is over."""

import logging
from collections.abc import Sequence

from pyasynq.broker import maintain
from pyasynq.broker.runner_async import AsyncRunner
from pyasynq.clock import NANOSECONDS, Clock
from pyasynq.lifecycle import Life, every
from pyasynq.wire.keys import QueueKeys

logger = logging.getLogger("pyasynq.janitor")


class Janitor:
    """The pass that deletes, at an interval.

    Args:
        batch_size: tasks deleted by one call of Redis; a pass makes as many as needed.
    """

    name = "janitor"

    def __init__(
        self,
        runner: AsyncRunner,
        clock: Clock,
        queues: Sequence[QueueKeys],
        *,
        interval_s: float,
        batch_size: int,
    ) -> None:
        self._runner = runner
        self._clock = clock
        self._queues = queues
        self._interval_s = interval_s
        self._batch_size = batch_size

    async def run(self, life: Life) -> None:
        """Clean at the interval until the stop."""
        await every(self._interval_s, self.clean, life, name=self.name)

    async def clean(self) -> int:
        """Delete everything that is over now; return how many tasks that were."""
        deleted = 0
        for keys in self._queues:
            count = self._batch_size
            while count >= self._batch_size:
                now_s = self._clock.redis_now_ns() // NANOSECONDS
                count = await self._runner.run(
                    maintain.delete_expired_completed(keys, now_s=now_s, limit=self._batch_size),
                    patience_s=0,
                )
                deleted += count
        if deleted:
            logger.info("deleted %d completed tasks whose retention is over", deleted)
        return deleted
