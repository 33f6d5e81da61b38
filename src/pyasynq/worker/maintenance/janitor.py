"""Deletes what is kept no longer: completed tasks after their retention, old archived tasks."""

import logging
from collections.abc import Callable

from pyasynq.answers import concerns_redis_as_a_whole
from pyasynq.broker.operation import Operation
from pyasynq.broker.operations import maintain
from pyasynq.clock import redis_now_s
from pyasynq.errors import PyasynqError
from pyasynq.lifecycle.component import Life, every
from pyasynq.lifecycle.outage import LoggedOnce
from pyasynq.options import to_seconds
from pyasynq.wire.keys import QueueKeys
from pyasynq.worker.resources import ServerResources

logger = logging.getLogger("pyasynq.janitor")


class Janitor:
    """The pass that deletes, at `janitor_interval`."""

    name = "janitor"

    def __init__(self, resources: ServerResources) -> None:
        config = resources.config
        self._runner = resources.runner
        self._clock = resources.clock
        self._outage = resources.outage
        self._probe = resources.probe(lambda keys: (keys.completed, keys.archived))
        self._interval_s = to_seconds(config.janitor_interval)
        self._batch_size = config.janitor_batch_size
        self._archive_max_size = config.archive_max_size
        self._archive_max_age_s = int(to_seconds(config.archive_max_age))
        self._troubles = LoggedOnce(logger, "cannot %s of queue %s: %s", outage=self._outage)

    async def run(self, life: Life) -> None:
        """Clean at the interval until the stop."""
        await every(self._interval_s, self.clean, life, name=self.name, outage=self._outage)

    async def clean(self) -> tuple[int, int]:
        """Delete everything that is over now; return how many completed and archived tasks."""
        completed = archived = 0
        for keys in await self._probe.queues():
            completed += await self._try("delete completed tasks", keys, self._delete_completed)
            archived += await self._try("trim the archive", keys, self._trim_archive)
        if completed or archived:
            logger.info("deleted %d completed and %d archived tasks", completed, archived)
        return completed, archived

    async def _try(
        self, what: str, keys: QueueKeys, step: Callable[[QueueKeys], Operation[int]]
    ) -> int:
        """Repeat a step; what Redis refuses is logged once and stops nothing else."""
        try:
            count = await self._repeat(keys, step)
        except PyasynqError as error:
            if self._outage.failed_at_node(error, queue=keys.queue, by=self.name):
                return 0
            if concerns_redis_as_a_whole(error):
                raise
            self._troubles.begins(error, what, keys.queue)
            return 0
        self._troubles.ends(what, keys.queue)
        return count

    async def _repeat(self, keys: QueueKeys, step: Callable[[QueueKeys], Operation[int]]) -> int:
        """Repeat a bounded step until it finds less than a batch."""
        total, count = 0, self._batch_size
        while count >= self._batch_size:
            count = await self._runner.run(step(keys), patience_s=0)
            total += count
        return total

    def _delete_completed(self, keys: QueueKeys) -> Operation[int]:
        now_s = redis_now_s(self._clock)
        return maintain.delete_expired_completed(keys, now_s=now_s, limit=self._batch_size)

    def _trim_archive(self, keys: QueueKeys) -> Operation[int]:
        return maintain.trim_archive(
            keys,
            now_s=redis_now_s(self._clock),
            max_size=self._archive_max_size,
            max_age_s=self._archive_max_age_s,
            limit=self._batch_size,
        )
