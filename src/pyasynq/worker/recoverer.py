"""Brings back the tasks of workers that are gone.

A task whose lease ended longer ago than a lease lasts is retried, or archived when its retries
are used up. Keys are built from the queue that was searched and the ID found there, never from a
message. Each write is fenced by the lease it was judged by, so several recoverers do no harm.
"""

import logging
from collections import Counter
from collections.abc import Container, Sequence

from pyasynq.broker import finish, groups, maintain
from pyasynq.broker.maintain import LeaseExpired
from pyasynq.broker.operation import Operation
from pyasynq.broker.runner_async import AsyncRunner
from pyasynq.clock import NANOSECONDS, Clock
from pyasynq.errors import PayloadError, PyasynqError, RedisUnavailableError
from pyasynq.lifecycle import Life, every
from pyasynq.options import to_seconds
from pyasynq.wire.keys import QueueKeys
from pyasynq.wire.message import decode
from pyasynq.worker import outcome
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.lease import lease_cutoff_s
from pyasynq.worker.outcome import Archived, Retried, Rules

logger = logging.getLogger("pyasynq.recoverer")

BATCH = 100


class Recoverer:
    """The pass that recovers, at an interval.

    Args:
        held: places (queue, ID) of the tasks this server holds, which it never recovers.
    """

    name = "recoverer"

    def __init__(
        self,
        runner: AsyncRunner,
        config: ServerConfig,
        clock: Clock,
        queues: Sequence[QueueKeys],
        held: Container[tuple[str, str]],
    ) -> None:
        self._runner = runner
        self._config = config
        self._clock = clock
        self._queues = queues
        self._held = held
        self._lease_s = to_seconds(config.lease_duration)
        self._not_before = 0.0  # monotonic
        self._rules = Rules(retry_delay=config.retry_delay, is_failure=config.is_failure)

    async def run(self, life: Life) -> None:
        """Recover at once and then at the interval, until the stop."""
        interval_s = to_seconds(self._config.recover_interval)
        await every(interval_s, self.recover, life, name=self.name, is_at_once=True)

    async def recover(self) -> Counter[str]:
        """Make one pass; return how many tasks were retried, archived, quarantined, dropped.

        After an outage of Redis nothing is recovered for the length of a lease: workers that
        live could not extend theirs, and get the time to.
        """
        counts: Counter[str] = Counter()
        for keys in self._queues:
            try:
                await self._recover_queue(keys, counts)
                await self._reclaim(keys, counts)
            except RedisUnavailableError:
                self._not_before = self._clock.monotonic() + self._lease_s
                raise
            except PyasynqError:
                logger.exception("cannot recover tasks of queue %s", keys.queue)
        counts = +counts
        if counts:
            said = ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
            logger.info("recovered tasks whose worker is gone: %s", said)
        return counts

    async def _recover_queue(self, keys: QueueKeys, counts: Counter[str]) -> None:
        cutoff_s = lease_cutoff_s(self._clock, self._lease_s)
        has_more, skip = True, 0
        while has_more:
            found = await self._runner.run(
                maintain.list_lease_expired(keys, cutoff_s=cutoff_s, skip=skip, limit=BATCH),
                patience_s=0,
            )
            if self._clock.monotonic() < self._not_before:
                return
            has_more = found.has_more
            skip += await self._recover_batch(keys, found.tasks, cutoff_s, counts)

    async def _reclaim(self, keys: QueueKeys, counts: Counter[str]) -> None:
        """Give the members of overdue aggregation sets back to their groups."""
        has_more = True
        while has_more:
            now_s = self._clock.redis_now_ns() // NANOSECONDS
            operation = groups.reclaim_aggregation_sets(keys, now_s=now_s)
            moved, has_more = await self._runner.run(operation, patience_s=0)
            counts["given back to their group"] += moved

    async def _recover_batch(
        self, keys: QueueKeys, found: Sequence[LeaseExpired], cutoff_s: int, counts: Counter[str]
    ) -> int:
        """Recover what was found; return how many stay where they are."""
        steps = [
            self._step(keys, expired, cutoff_s)
            for expired in found
            if (keys.queue, expired.task_id) not in self._held
        ]
        answers = await self._runner.run_all([step for _what, step in steps])
        stay = len(found) - len(steps)
        for (what, _step), answer in zip(steps, answers, strict=True):
            if isinstance(answer, BaseException):
                logger.error("cannot recover a task of queue %s: %s", keys.queue, answer)
                stay += 1
            elif answer in (False, [False]):  # another recoverer was faster
                stay += 1
            else:
                counts[what] += 1
        return stay

    def _step(
        self, keys: QueueKeys, expired: LeaseExpired, cutoff_s: int
    ) -> tuple[str, Operation[list[bool]] | Operation[bool]]:
        """Return what becomes of one task, in a word and as an operation."""
        task_id, fence = expired.task_id, finish.Fence(lease_cutoff_s=cutoff_s)
        now_ns = self._clock.redis_now_ns()
        if not expired.data:
            return "dropped", maintain.drop_ghost(keys, task_id)
        try:
            message = decode(expired.data)
        except PayloadError:
            return "quarantined", finish.quarantine(keys, task_id, fence, now_ns=now_ns)
        decided = outcome.judge(
            message,
            expired.data,
            PyasynqError(outcome.LEASE_EXPIRED),
            rules=self._rules,
            deferred=expired.deferred,
            now_ns=now_ns,
        )
        if isinstance(decided, Archived):
            is_freed = self._config.is_lock_freed_on_archive(expired.unique_until)
            item = finish.Archival(
                task_id=task_id,
                fence=fence,
                data=decided.data,
                unique_key=message.unique_key if is_freed else "",
            )
            return "archived", finish.archive_many(keys, [item], now_ns=now_ns)
        if not isinstance(decided, Retried):
            raise TypeError(f"a lost lease cannot end in {decided!r}")
        retrial = finish.Retrial(
            task_id=task_id,
            fence=fence,
            data=decided.data,
            retry_at_ns=decided.at_ns,
            is_failure=decided.is_failure,
            deferred=decided.deferred,
        )
        return "retried", finish.retry_many(keys, [retrial], now_ns=now_ns)
