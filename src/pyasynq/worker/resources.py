"""What every component of one server works with."""

import asyncio
from collections.abc import Callable, Iterable
from random import Random

import msgspec

from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.clock import Clock
from pyasynq.connection.connector import Connector
from pyasynq.lifecycle.outage import Outage
from pyasynq.lifecycle.shutdown import ShutdownBudget
from pyasynq.wire.keys import QueueKeys, queue_keys
from pyasynq.worker.attempt.running_task import Held
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.counters import Counters
from pyasynq.worker.handlers.progress import Reports
from pyasynq.worker.measure.measures import Measures
from pyasynq.worker.queue_probe import QueueProbe
from pyasynq.worker.task_log import TaskLog
from pyasynq.worker.threads import MakeThreads, in_threads


class ServerResources(msgspec.Struct, frozen=True, kw_only=True):
    """What the components of a server share; made on its event loop.

    Attributes:
        connector: opens further connections to the Redis of *runner*.
        server_id: the same as tools show.
        counters: where components count what they did.
        measures: where they note how much, how long and how late.
        budget: how long the shutdown may take.
        random: spreads the load of many servers.
        held: the tasks this server holds: from their dequeue until Redis has their outcome.
        outcomes: runs what writes outcomes, if that waits for replicas; None if *runner* does.
        reports: the progress that running tasks have reported.
        outage: what components tell when Redis is away, and when it is back.
        changed: set when fetching may make sense again: a slot is free, an outcome is written,
            or a task became pending.
        is_only_slot: see `Scope`.
        make_threads: makes what plain functions of the user run in.
    """

    config: ServerConfig
    clock: Clock
    connector: Connector
    runner: AsyncRunner
    server_id: str
    counters: Counters = msgspec.field(default_factory=Counters)
    measures: Measures = msgspec.field(default_factory=Measures)
    budget: ShutdownBudget = msgspec.field(default_factory=ShutdownBudget)
    random: Random = msgspec.field(default_factory=Random)
    held: Held = msgspec.field(default_factory=dict)
    outcomes: AsyncRunner | None = None
    reports: Reports = msgspec.field(default_factory=dict)
    outage: Outage = msgspec.field(default_factory=Outage)
    changed: asyncio.Event = msgspec.field(default_factory=asyncio.Event)
    is_only_slot: bool = False
    make_threads: MakeThreads = in_threads

    @property
    def queues(self) -> list[QueueKeys]:
        """The keys of each queue that the server serves."""
        return [queue_keys(queue, self.connector.namespace) for queue in self.config.queues]

    def task_log(self) -> TaskLog:
        """Return a log of what goes wrong with tasks."""
        return TaskLog(self.clock, self.config.log_failures)

    def probe(self, keys_of: Callable[[QueueKeys], Iterable[str]]) -> QueueProbe:
        """Return what finds out in one command whether any queue has one of the keys."""
        is_cluster = self.connector.is_cluster
        return QueueProbe(self.runner, self.queues, keys_of, is_cluster=is_cluster)
