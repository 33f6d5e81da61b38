"""Shows the entries of a scheduler that leads, so that tools of Go and ours can list them."""

import asyncio
import contextlib
import math
from collections.abc import Iterator

from pyasynq.broker.operations import schedulers
from pyasynq.clock import NANOSECONDS, redis_now_s
from pyasynq.errors import PyasynqError
from pyasynq.lifecycle.component import Life
from pyasynq.lifecycle.outage import Outage
from pyasynq.scheduler.leadership import Leadership
from pyasynq.scheduler.plan import Plan, Planned
from pyasynq.scheduler.resources import SchedulerResources
from pyasynq.wire.records import SchedulerEntryRecord

LOOK_S = 0.2  # how soon a change is shown
CLEAR_S = 1.0
LIVES = 2  # times the interval; asynq v0.26 scheduler.go


class Publisher:
    """Writes the entries at an interval, and as soon as they or the leader have changed."""

    name = "publisher"

    def __init__(
        self, resources: SchedulerResources, leadership: Leadership, plan: Plan, interval_s: float
    ) -> None:
        self._resources, self._leadership, self._plan = resources, leadership, plan
        self._interval_s = interval_s
        self._due_at = float("-inf")  # monotonic
        self._shown: frozenset[str] | None = None

    async def run(self, life: Life) -> None:
        """Show the entries until the stop; then take them away."""
        life.stops_within_s = CLEAR_S
        life.started()
        outage: Outage = self._resources.outage
        while not life.stopping.is_set():
            try:
                await self._look()
            except PyasynqError as error:
                outage.failed(error, component=self.name)
            else:
                if outage.is_on:
                    outage.worked(component=self.name)
            await life.pause(LOOK_S)
        with contextlib.suppress(PyasynqError, TimeoutError):
            async with asyncio.timeout(CLEAR_S):
                await self._clear()

    async def _look(self) -> None:
        if not self._leadership.is_leading:
            await self._clear()
            return
        planned = list(self._plan)
        ids = frozenset(each.entry.id for each in planned)
        now = self._resources.clock.monotonic()
        if ids != self._shown or now >= self._due_at:
            await self._write(planned)
            self._shown, self._due_at = ids, now + self._interval_s

    async def _write(self, planned: list[Planned]) -> None:
        resources = self._resources
        operations = schedulers.write_entries(
            resources.id,
            _records(planned),
            namespace=resources.namespace,
            now_s=redis_now_s(resources.clock),
            ttl_s=max(1, math.ceil(LIVES * self._interval_s)),
        )
        for operation in operations:
            await resources.runner.run(operation, patience_s=0)

    async def _clear(self) -> None:
        if self._shown is None:
            return
        resources = self._resources
        for operation in schedulers.clear_entries(resources.id, namespace=resources.namespace):
            await resources.runner.run(operation, patience_s=0)
        self._shown = None


def _records(planned: list[Planned]) -> Iterator[SchedulerEntryRecord]:
    for each in planned:
        entry = each.entry
        yield SchedulerEntryRecord(
            id=entry.id,
            spec=entry.schedule.spec,
            task_type=entry.task.type,
            task_payload=entry.task.payload or b"",
            enqueue_options=entry.option_texts,
            next_enqueue_ns=None if each.tick_s is None else each.tick_s * NANOSECONDS,
            previous_enqueue_ns=each.last_s * NANOSECONDS if each.has_ticked else None,
        )
