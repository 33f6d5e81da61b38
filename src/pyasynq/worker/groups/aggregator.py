"""Finds the groups that are due, and has them aggregated, a few at a time.

A look at all groups never waits for a function of the user. A group is taken only when a slot is
free for it: until then its members stay in the group, whatever becomes of this server.
"""

import asyncio
import contextlib
import logging
import math
from collections.abc import Callable, Sequence

from pyasynq.answers import concerns_redis_as_a_whole, raise_first
from pyasynq.broker.operations import groups
from pyasynq.broker.operations.groups import DueLimits
from pyasynq.clock import redis_now_s
from pyasynq.errors import PyasynqError, RedisUnavailableError
from pyasynq.lifecycle.component import LAST_CALL_S, Life, every
from pyasynq.lifecycle.outage import LoggedOnce
from pyasynq.lifecycle.shutdown import cancel_all
from pyasynq.options import to_seconds
from pyasynq.shown import LONGEST_ERROR, shown
from pyasynq.tracing import Tracing
from pyasynq.wire.handled import HandledGroups
from pyasynq.wire.keys import QueueKeys
from pyasynq.worker.groups.aggregate_maker import AggregateMaker
from pyasynq.worker.handlers.aggregators import Aggregation, Aggregations
from pyasynq.worker.resources import ServerResources
from pyasynq.worker.thread_pool import pool_of

logger = logging.getLogger("pyasynq.aggregator")

LONGEST_INTERVAL_S = 7.0  # asynq v0.26 aggregator.go: maxAggregationCheckInterval
SHOWN_FOR_S = 60
SHOW_AGAIN_S = 20.0
AT_ONCE = 3  # asynq v0.26 aggregator.go: maxConcurrentAggregationChecks
CHECKS_PER_ROUND_TRIP = 100
NOT_AGGREGATED = (
    "group %r of queue %r was not aggregated; its tasks go back to the group "
    "within three minutes: %s"
)

ALL_GROUPS = "the groups"
SCHEDULED = "what is scheduled for groups"
FORGOTTEN = "groups whose names Go has removed"

Due = tuple[QueueKeys, str]


class Aggregator:
    """The look at all groups, at the shortest grace period or 7 s, and what follows from it.

    Args:
        on_due: called with the time in nanoseconds at which a scheduled aggregate is due.
        tracing: makes a span of each call of an aggregator; None for no spans.

    Attributes:
        on_failure: called with what has kept a group from being aggregated, unless Redis was away.
    """

    name = "aggregator"

    def __init__(
        self,
        resources: ServerResources,
        aggregations: Aggregations,
        *,
        on_due: Callable[[int], None],
        tracing: Tracing | None = None,
    ) -> None:
        self._runner = resources.runner
        self._config = resources.config
        self._clock = resources.clock
        self._budget = resources.budget
        self._outage = resources.outage
        self._probe = resources.probe(lambda keys: (keys.groups, keys.scheduled_groups))
        self._aggregations = aggregations
        self._threads = pool_of(AT_ONCE, resources.make_threads)
        self._stopping = asyncio.Event()
        self._maker = AggregateMaker(
            resources, self._threads, stopping=self._stopping, on_due=on_due, tracing=tracing
        )
        self._waiting: dict[Due, Aggregation] = {}
        self._in_hand: set[Due] = set()
        self._under_way: set[asyncio.Task[None]] = set()
        self._troubles = LoggedOnce(
            logger, "cannot aggregate %s of queue %s: %s", outage=self._outage
        )
        self._queues = resources.queues
        self._server_id = resources.server_id
        self._show_at = 0.0  # monotonic
        self._made = 0
        self.on_failure: Callable[[Exception], None] = _tell_nobody

    async def run(self, life: Life) -> None:
        """Look at the interval until the stop; then end what is under way."""
        grace_s = min(self._limits(each)["grace_s"] for each in self._aggregations.all())
        life.stops_within_s = math.inf
        interval_s = min(LONGEST_INTERVAL_S, grace_s)
        with contextlib.suppress(PyasynqError):  # the next look reports it
            await self._show()
        try:
            looks = every(interval_s, self.look, life, name=self.name, outage=self._outage)
            await life.until_stop(looks)
        finally:
            self._stopping.set()
            late = await self._budget.wait(
                list(self._under_way), lambda: self._budget.handlers_s + LAST_CALL_S
            )
            await cancel_all(*late)
            self._threads.close()
            await self._hide()

    @property
    def has_leftovers(self) -> bool:
        """Whether a plain function has not ended."""
        return self._threads.busy > 0

    async def aggregate(self) -> int:
        """Aggregate all groups that are due; return how many aggregates were made."""
        before = self._made
        await self.look()
        while self._under_way:
            await asyncio.wait(self._under_way)
        return self._made - before

    @property
    def handled_groups(self) -> tuple[HandledGroups, ...]:
        """The patterns of all aggregators, the longest first, and when their groups are due."""
        every = self._aggregations.all()
        return tuple(HandledGroups(pattern=each.pattern, **self._limits(each)) for each in every)

    def limits_of(self, group: str) -> DueLimits | None:
        """Return when *group* is due; None if no aggregator is for it."""
        found = self._aggregations.find(group)
        return None if found is None else self._limits(found)

    async def look(self) -> None:
        """Look at every group once; those that are due are aggregated later on."""
        if self._clock.monotonic() >= self._show_at:
            await self._show()
        for keys in await self._probe.queues():
            try:
                await self._look_at_queue(keys)
            except PyasynqError as error:
                if self._outage.failed_at_node(error, queue=keys.queue, by=self.name):
                    continue
                if concerns_redis_as_a_whole(error):
                    raise
                self._troubles.begins(error, ALL_GROUPS, keys.queue)
            else:
                self._troubles.ends(ALL_GROUPS, keys.queue)

    async def _show(self) -> None:
        """Let producers know that groups are aggregated here, wherever Redis lets us."""
        now_s = redis_now_s(self._clock)
        answers = await self._runner.run_all(
            [
                groups.show_aggregator(keys, self._server_id, now_s=now_s, ttl_s=SHOWN_FOR_S)
                for keys in self._queues
            ],
            patience_s=0,
        )
        self._show_at = self._clock.monotonic() + SHOW_AGAIN_S
        for keys, answer in zip(self._queues, answers, strict=True):
            if self._outage.failed_at_node(answer, queue=keys.queue, by=self.name):
                self._show_at = 0.0
            elif isinstance(answer, PyasynqError):
                raise_first([answer], which=concerns_redis_as_a_whole)
                self._troubles.begins(answer, SCHEDULED, keys.queue)
            else:
                self._troubles.ends(SCHEDULED, keys.queue)

    async def _hide(self) -> None:
        """Take that back at the stop; if Redis cannot be reached, it expires."""
        with contextlib.suppress(PyasynqError, TimeoutError):
            async with asyncio.timeout(min(LAST_CALL_S, self._budget.writes_s)):
                await self._runner.run_all(
                    [groups.hide_aggregator(keys, self._server_id) for keys in self._queues],
                    patience_s=0,
                )

    async def _look_at_queue(self, keys: QueueKeys) -> None:
        trouble = await self._try_to_restore(keys)
        await self._look_at_groups(keys)
        if trouble is None:
            self._troubles.ends(FORGOTTEN, keys.queue)
        else:
            self._troubles.begins(trouble, FORGOTTEN, keys.queue)

    async def _try_to_restore(self, keys: QueueKeys) -> PyasynqError | None:
        """Restore groups; return what keeps Redis from it, which is no reason to aggregate none."""
        try:
            await self._restore(keys)
        except PyasynqError as error:
            if concerns_redis_as_a_whole(error):
                raise
            return error
        return None

    async def _look_at_groups(self, keys: QueueKeys) -> None:
        cursor, is_first = 0, True
        while cursor or is_first:
            is_first = False
            operation = groups.list_groups(keys, cursor=cursor, count=CHECKS_PER_ROUND_TRIP)
            cursor, names = await self._runner.run(operation, patience_s=0)
            ours = [
                (name, found)
                for name in names
                if (keys, name) not in self._in_hand and (found := self._aggregations.find(name))
            ]
            await self._check_all(keys, ours)

    async def _restore(self, keys: QueueKeys) -> None:
        """List groups again whose names Go programs have forgotten."""
        skip = 0
        while skip >= 0:
            operation = groups.restore_groups(keys, now_s=redis_now_s(self._clock), skip=skip)
            _restored, skip = await self._runner.run(operation, patience_s=0)

    async def _check_all(self, keys: QueueKeys, ours: Sequence[tuple[str, Aggregation]]) -> None:
        """Let the groups that are due wait for a free slot."""
        now_s = redis_now_s(self._clock)
        checks = [
            groups.is_group_due(keys, group, now_s=now_s, **self._limits(aggregation))
            for group, aggregation in ours
        ]
        answers = await self._runner.run_all(checks, patience_s=0)
        raise_first(answers, which=concerns_redis_as_a_whole)
        for (group, aggregation), answer in zip(ours, answers, strict=True):
            if isinstance(answer, PyasynqError):
                self._troubles.begins(answer, f"group {shown(group)!r}", keys.queue)
                continue
            self._troubles.ends(f"group {shown(group)!r}", keys.queue)
            if answer:
                self._waiting[keys, group] = aggregation
        self._begin()

    def _begin(self) -> None:
        """Fill the slots that are free."""
        while len(self._under_way) < min(AT_ONCE, len(self._waiting) + len(self._in_hand)):
            task = asyncio.create_task(self._work(), name="pyasynq aggregator slot")
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _work(self) -> None:
        """Aggregate what waits, one group after the other; one that is due again waits again."""
        while self._waiting and not self._stopping.is_set():
            due = next(iter(self._waiting))
            aggregation = self._waiting.pop(due)
            self._in_hand.add(due)
            try:
                is_made = await self._settle(*due, aggregation)
            finally:
                self._in_hand.discard(due)
            if is_made:
                self._made += 1
                self._waiting[due] = aggregation

    async def _settle(self, keys: QueueKeys, group: str, aggregation: Aggregation) -> bool:
        """Aggregate one set; a failure leaves it to be given back to the group."""
        try:
            return await self._maker.make(keys, group, aggregation, self._limits(aggregation))
        except RedisUnavailableError as error:
            self._waiting.clear()  # what waits is found again once Redis answers
            self._outage.failed(error, queue=keys.queue, by=self.name)
            logger.info(NOT_AGGREGATED, shown(group), keys.queue, error)
        except (PyasynqError, TimeoutError) as error:
            reason = shown(str(error), LONGEST_ERROR)
            logger.error(NOT_AGGREGATED, shown(group), keys.queue, reason)  # noqa: TRY400 - the text is enough
            self.on_failure(error)
        except Exception as error:
            logger.exception(NOT_AGGREGATED, shown(group), keys.queue, error)  # noqa: TRY401 - in one line
            self.on_failure(error)
        return False

    def _limits(self, own: Aggregation) -> DueLimits:
        """Return when a group is due: by its aggregator's limits, else by the server's."""
        config = self._config
        grace = config.group_grace_period if own.grace_period is None else own.grace_period
        delay = config.group_max_delay if own.max_delay is None else own.max_delay
        return {
            "grace_s": math.ceil(to_seconds(grace)),
            "max_delay_s": math.ceil(to_seconds(delay)),
            "max_size": config.group_max_size if own.max_size is None else own.max_size,
        }


def _tell_nobody(error: Exception) -> None:
    """Stand for what is called with failures where nobody asks for them."""
