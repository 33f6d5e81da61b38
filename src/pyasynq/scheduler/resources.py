"""What every component of one scheduler works with."""

import asyncio
from collections.abc import Mapping
from random import Random

import msgspec

from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.clock import Clock
from pyasynq.lifecycle.outage import Outage
from pyasynq.lifecycle.shutdown import ShutdownBudget
from pyasynq.scheduler.entry import Entry
from pyasynq.scheduler.measures import TickMeasures
from pyasynq.tracing import Tracing


class SchedulerResources(msgspec.Struct, frozen=True, kw_only=True):
    """What the components of a scheduler share; made on its event loop.

    Attributes:
        name: of the scheduler, the same in every process that runs it.
        id: of this process, by which it leads: host, process ID and a UUID.
        is_cluster: whether the keys of queues may be on nodes that are away one by one.
        entries: what ticks, by ID; it changes as entries are registered.
        storing: runs what stores tasks, if that waits for replicas; None if *runner* does.
        outage: what components tell when Redis is away, and when it is back.
        tracing: makes a span of each tick; None for no spans.
        measures: where ticks are counted.
        changed: set when the entries or the leader have changed.
    """

    name: str
    id: str
    namespace: str
    clock: Clock
    runner: AsyncRunner
    entries: Mapping[str, Entry]
    outage: Outage
    budget: ShutdownBudget
    is_cluster: bool = False
    storing: AsyncRunner | None = None
    tracing: Tracing | None = None
    measures: TickMeasures = msgspec.field(default_factory=TickMeasures)
    changed: asyncio.Event = msgspec.field(default_factory=asyncio.Event)
    random: Random = msgspec.field(default_factory=Random)
