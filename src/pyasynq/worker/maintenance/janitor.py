"""Deletes what is kept no longer: completed tasks after their retention, old archived tasks."""

import logging
from collections.abc import Callable, Sequence

from pyasynq.broker.operation import Operation
from pyasynq.broker.operations import maintain
from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.clock import Clock
from pyasynq.errors import PyasynqError, RedisUnavailableError
from pyasynq.lifecycle.component import Life, every
from pyasynq.options import to_seconds
from pyasynq.wire.keys import QueueKeys
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.queue_probe import QueueProbe

logger = logging.getLogger("pyasynq.janitor")


class Janitor:
    """The pass that deletes, at `janitor_interval`."""

    name = "janitor"

    def __init__(
        self,
        runner: AsyncRunner,
        config: ServerConfig,
        clock: Clock,
        queues: Sequence[QueueKeys],
        *,
        is_cluster: bool = False,
    ) -> None:
        self._runner = runner
        self._clock = clock
        self._probe = QueueProbe(
            runner, queues, lambda keys: (keys.completed, keys.archived), is_cluster=is_cluster
        )
        self._interval_s = to_seconds(config.janitor_interval)
        self._batch_size = config.janitor_batch_size
        self._archive_max_size = config.archive_max_size
        self._archive_max_age_s = int(to_seconds(config.archive_max_age))
        self._troubles: dict[tuple[str, str], str] = {}

    async def run(self, life: Life) -> None:
        """Clean at the interval until the stop."""
        await every(self._interval_s, self.clean, life, name=self.name)

    async def clean(self) -> tuple[int, int]:
        """Delete everything that is over now; return how many completed and archived tasks."""
        completed = archived = 0
        for keys in await self._probe.queues():
            completed += await self._try(keys, self._delete_completed)
            archived += await self._try(keys, self._trim_archive)
        if completed or archived:
            logger.info("deleted %d completed and %d archived tasks", completed, archived)
        return completed, archived

    async def _try(self, keys: QueueKeys, step: Callable[[QueueKeys], Operation[int]]) -> int:
        """Repeat a step; what Redis refuses is said once and stops nothing else."""
        place = keys.queue, step.__name__
        try:
            count = await self._repeat(keys, step)
        except RedisUnavailableError:
            raise
        except PyasynqError as error:
            if self._troubles.get(place) != str(error):
                logger.error("cannot clean up in queue %s: %s", keys.queue, error)  # noqa: TRY400 - the text says it all
            self._troubles[place] = str(error)
            return 0
        self._troubles.pop(place, None)
        return count

    async def _repeat(self, keys: QueueKeys, step: Callable[[QueueKeys], Operation[int]]) -> int:
        """Repeat a bounded step until it finds less than a batch."""
        total, count = 0, self._batch_size
        while count >= self._batch_size:
            count = await self._runner.run(step(keys), patience_s=0)
            total += count
        return total

    def _delete_completed(self, keys: QueueKeys) -> Operation[int]:
        return maintain.delete_expired_completed(keys, now_s=self._now_s(), limit=self._batch_size)

    def _trim_archive(self, keys: QueueKeys) -> Operation[int]:
        return maintain.trim_archive(
            keys,
            now_s=self._now_s(),
            max_size=self._archive_max_size,
            max_age_s=self._archive_max_age_s,
            limit=self._batch_size,
        )

    def _now_s(self) -> int:
        return self._clock.redis_now_s()
