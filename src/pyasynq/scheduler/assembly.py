"""What a scheduler is made of: its components, in their order, and how they are tied together."""

import contextlib
import logging
from collections.abc import Iterable

import msgspec

from pyasynq.broker.runners.opening import opened_with_replicas
from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.clock import Clock
from pyasynq.connection.connector import Connector
from pyasynq.events.event import PERIODIC_EVENTS
from pyasynq.events.listeners import Listeners
from pyasynq.lifecycle.component import Component
from pyasynq.lifecycle.replicas import ReplicaLog
from pyasynq.lifecycle.shutdown import ShutdownBudget
from pyasynq.scheduler.entry import Entry
from pyasynq.scheduler.hooks import Hooks
from pyasynq.scheduler.leadership import Leadership
from pyasynq.scheduler.notifier import Notifier
from pyasynq.scheduler.publisher import Publisher
from pyasynq.scheduler.resources import SchedulerResources
from pyasynq.scheduler.ticker import Ticker
from pyasynq.wire.keys import queue_keys

logger = logging.getLogger("pyasynq.scheduler")


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """The assembled parts of one scheduler.

    Attributes:
        notifier: None if nobody listens.
        first: components of others, which start before those of the scheduler.
    """

    notifier: Notifier | None
    first: tuple[Component, ...]
    leadership: Leadership
    publisher: Publisher
    ticker: Ticker

    @property
    def has_leftovers(self) -> bool:
        """Whether a listener has not ended."""
        return self.notifier is not None and self.notifier.has_leftovers

    @property
    def components(self) -> tuple[Component, ...]:
        """Everything with a life of its own, in the order of the start; its reverse stops."""
        ours = (*self.first, self.leadership, self.publisher, self.ticker)
        return ours if self.notifier is None else (self.notifier, *ours)


def assemble(
    resources: SchedulerResources,
    hooks: Hooks,
    listeners: Listeners,
    *,
    heartbeat_s: float,
    first: tuple[Component, ...],
) -> Parts:
    """Make the parts of a scheduler and tie them together; call it on the loop of the scheduler.

    Args:
        heartbeat_s: how often the entries are shown to tools.
        first: components of others.
    """
    leadership = Leadership(resources)
    periodic = listeners.of(PERIODIC_EVENTS)
    notifier = Notifier(resources, periodic) if periodic else None
    on_tick = None if notifier is None else notifier.on_tick
    ticker = Ticker(resources, leadership, hooks, on_tick=on_tick)
    return Parts(
        notifier=notifier,
        first=first,
        leadership=leadership,
        publisher=Publisher(resources, leadership, ticker.plan, heartbeat_s),
        ticker=ticker,
    )


async def storing_on_replicas(
    connector: Connector,
    entries: Iterable[Entry],
    clock: Clock,
    budget: ShutdownBudget,
    stack: contextlib.AsyncExitStack,
) -> AsyncRunner | None:
    """Return what runs the writes of tasks, if they are to be on replicas; *stack* closes it."""
    if connector.replication is None:
        return None
    queues = {each.queue for each in entries}
    return await opened_with_replicas(
        connector,
        clock,
        budget,
        stack,
        queues=[queue_keys(queue, connector.namespace) for queue in queues],
        on_replicas=ReplicaLog(logger, "scheduler", connector.replication.replicas),
    )
