"""Lets one of several schedulers of the same name lead: it alone enqueues and shows entries.

That saves work and nothing more. Two that believe to lead, after a pause or a partition, enqueue
each tick once nevertheless, because Redis compares ticks.
"""

import asyncio
import contextlib
import logging

from pyasynq.broker.operations import schedulers
from pyasynq.errors import PyasynqError
from pyasynq.lifecycle.component import Life, every
from pyasynq.scheduler.resources import SchedulerResources

logger = logging.getLogger("pyasynq.scheduler")

# A leader that dies is followed within both together.
LEADS_S = 3.5
ASK_S = 1.0
RESIGN_S = 1.0
MEASURE_S = 30.0  # how often the time of Redis is measured


class Leadership:
    """Asks again and again to lead."""

    name = "leadership"

    def __init__(self, resources: SchedulerResources) -> None:
        self._resources = resources
        self._clock, self._runner = resources.clock, resources.runner
        self._until = float("-inf")  # monotonic
        self._was_leading = False
        self._measure_at = float("-inf")

    @property
    def is_leading(self) -> bool:
        """Whether this scheduler leads, as far as it knows."""
        return self._clock.monotonic() < self._until

    async def run(self, life: Life) -> None:
        """Ask until the stop; then let another scheduler lead at once."""
        life.stops_within_s = RESIGN_S
        try:
            await every(
                ASK_S,
                self.ask,
                life,
                name=self.name,
                outage=self._resources.outage,
                is_at_once=True,
            )
        finally:
            self._until = float("-inf")
            await self._resign()

    async def ask(self) -> None:
        """Ask once to lead, or to go on leading."""
        resources, asked_at = self._resources, self._clock.monotonic()
        if asked_at >= self._measure_at:
            await self._runner.measure_clock()
            self._measure_at = asked_at + MEASURE_S
        leader = await self._runner.run(
            schedulers.lead(
                resources.name,
                namespace=resources.namespace,
                member=resources.id,
                ttl_ms=int(LEADS_S * 1000),
            ),
            patience_s=0,
        )
        is_leading = leader == resources.id
        self._until = asked_at + LEADS_S if is_leading else float("-inf")
        if is_leading != self._was_leading:
            self._was_leading = is_leading
            logger.info("scheduler %s %s", resources.name, "leads" if is_leading else "follows")
            resources.changed.set()

    async def _resign(self) -> None:
        resources = self._resources
        operation = schedulers.resign(
            resources.name, namespace=resources.namespace, member=resources.id
        )
        with contextlib.suppress(PyasynqError, TimeoutError):
            async with asyncio.timeout(RESIGN_S):
                await self._runner.run(operation, patience_s=0)
