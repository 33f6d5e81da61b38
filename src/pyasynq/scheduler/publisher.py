"""Shows the entries of a scheduler that leads, so that tools of Go and ours can list them.

They are stored under the name of the scheduler. So a leader replaces what the one before has
shown, and no entry is listed twice after a crash.
"""

import asyncio
import contextlib
import logging
import math
from collections.abc import Iterator

from pyasynq.answers import concerns_redis_as_a_whole
from pyasynq.broker.operations import schedulers, servers
from pyasynq.clock import NANOSECONDS, redis_now_s
from pyasynq.errors import PyasynqError
from pyasynq.lifecycle.component import Life
from pyasynq.lifecycle.outage import LoggedOnce
from pyasynq.scheduler.leadership import Leadership
from pyasynq.scheduler.plan import Plan, Planned
from pyasynq.scheduler.resources import SchedulerResources
from pyasynq.wire.keys import global_keys
from pyasynq.wire.records import SchedulerEntryRecord

logger = logging.getLogger("pyasynq.scheduler")

LOOK_S = 0.2  # how soon a change is shown
TICKS_S = 1.0  # how soon the next times are shown after a tick
RATE = 10_000.0  # entries that are shown in a second, at most, except at the interval
FAILED_S = 1.0  # how long it waits after a failure
COMPARE_S = 10.0  # how often one that follows looks at what the leader shows
LIVES = 2  # times the interval; asynq v0.26 scheduler.go
LAST_WRITE_S, CLEAR_S = 0.5, 0.5  # at the stop, if Redis does not answer


class Publisher:
    """Writes the entries at an interval, and soon after they, their ticks or the leader change."""

    name = "publisher"

    def __init__(
        self, resources: SchedulerResources, leadership: Leadership, plan: Plan, interval_s: float
    ) -> None:
        self._resources, self._leadership, self._plan = resources, leadership, plan
        self._interval_s = interval_s
        self._troubles = LoggedOnce(logger, "cannot show the entries of scheduler %s: %s")
        self._written_at = float("-inf")  # monotonic
        self._compare_at = resources.clock.monotonic() + COMPARE_S
        self._shown: tuple[int, int] | None = None  # members and ticks of the plan

    async def run(self, life: Life) -> None:
        """Show the entries until the stop; then take them away."""
        life.stops_within_s = math.inf  # for it gives up by itself
        life.started()
        await life.until_stop(self._go_on(life), within_s=LAST_WRITE_S)
        if self._leadership.is_leading:
            with contextlib.suppress(PyasynqError, TimeoutError):
                async with asyncio.timeout(CLEAR_S):
                    await self._clear()

    async def _go_on(self, life: Life) -> None:
        outage, troubles = self._resources.outage, self._troubles
        while not life.stopping.is_set():
            pause_s = LOOK_S
            try:
                await self._look()
            except PyasynqError as error:
                pause_s = FAILED_S
                if concerns_redis_as_a_whole(error):
                    outage.failed(error, component=self.name)
                else:
                    troubles.begins(error, self._resources.name)
            else:
                troubles.ends(self._resources.name)
                if outage.is_on:
                    outage.worked(component=self.name)
            await life.pause(pause_s)

    async def _look(self) -> None:
        if not self._leadership.is_leading:
            self._shown = None
            await self._compare()
            return
        now = self._resources.clock.monotonic()
        self._compare_at = now + COMPARE_S
        if now >= self._due_at():
            self._shown = self._plan.members, self._plan.ticks
            self._written_at = now
            await self._write(list(self._plan))

    async def _compare(self) -> None:
        """Warn once if the leader has none of our entries, as if it were another application's."""
        resources, now = self._resources, self._resources.clock.monotonic()
        if now < self._compare_at or not resources.entries:
            return
        self._compare_at = now + COMPARE_S
        key = global_keys(resources.namespace).scheduler_entries(resources.name)
        shown = await resources.runner.run(servers.read_entries(key), patience_s=0)
        if shown and not any(record.id in resources.entries for record in shown):
            self._compare_at = math.inf
            logger.warning(
                "scheduler %s is led by another one that has none of its entries, so they are "
                "not enqueued; does another application use this name? give each its own",
                resources.name,
            )

    def _due_at(self) -> float:
        """Return when the entries are written next."""
        if self._shown is None:
            return float("-inf")
        members, ticks = self._shown
        gap_s = self._interval_s
        if members != self._plan.members:
            gap_s = len(self._plan) / RATE
        elif ticks != self._plan.ticks:
            gap_s = max(TICKS_S, len(self._plan) / RATE)
        return self._written_at + min(self._interval_s, gap_s)

    async def _write(self, planned: list[Planned]) -> None:
        resources = self._resources
        operations = schedulers.write_entries(
            resources.name,
            _records(planned),
            namespace=resources.namespace,
            now_s=redis_now_s(resources.clock),
            ttl_s=max(1, math.ceil(LIVES * self._interval_s)),
        )
        for operation in operations:
            await resources.runner.run(operation, patience_s=0)

    async def _clear(self) -> None:
        resources = self._resources
        for operation in schedulers.clear_entries(resources.name, namespace=resources.namespace):
            await resources.runner.run(operation, patience_s=0)


def _records(planned: list[Planned]) -> Iterator[SchedulerEntryRecord]:
    for each in planned:
        entry = each.entry
        yield SchedulerEntryRecord(
            id=entry.id,
            spec=entry.schedule.spec,
            task_type=entry.task.type,
            task_payload=entry.task.payload or b"",
            enqueue_options=entry.option_texts,
            next_enqueue_ns=_nanoseconds(each.tick_s),
            previous_enqueue_ns=_nanoseconds(each.enqueued_s),
        )


def _nanoseconds(tick_s: int | None) -> int | None:
    return None if tick_s is None else tick_s * NANOSECONDS
