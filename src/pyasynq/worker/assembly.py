"""The components of a server: made here, tied together, in their order."""

import asyncio
from collections.abc import Callable
from itertools import count
from random import Random
from typing import Any
from uuid import uuid4

import msgspec

from pyasynq.broker.operations import finish
from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.clock import Clock
from pyasynq.connection.connector import Connector
from pyasynq.errors import TaskNotFoundError
from pyasynq.lifecycle.component import Component
from pyasynq.options import to_seconds
from pyasynq.wire.keys import queue_keys
from pyasynq.worker.attempt.running_task import Ending, Held, RunningTask
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.counters import Counters
from pyasynq.worker.execute.executor import Executor
from pyasynq.worker.fetch.processor import Processor
from pyasynq.worker.fetch.wake_up import WakeUp
from pyasynq.worker.finish.finisher import Finisher
from pyasynq.worker.groups.aggregator import Aggregator
from pyasynq.worker.handlers.aggregators import Aggregation, Aggregations
from pyasynq.worker.handlers.context import Scope
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.liveness.healthchecker import Healthchecker
from pyasynq.worker.liveness.heartbeater import Heartbeater, Identity
from pyasynq.worker.liveness.subscriber import Subscriber
from pyasynq.worker.liveness.watchdog import Watchdog
from pyasynq.worker.maintenance.forwarder import Forwarder
from pyasynq.worker.maintenance.janitor import Janitor
from pyasynq.worker.maintenance.recoverer import Recoverer
from pyasynq.worker.notify.notifier import Notifier


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """The assembled parts of one server."""

    watchdog: Watchdog
    heartbeater: Heartbeater
    healthchecker: Healthchecker | None
    subscriber: Subscriber
    recoverer: Recoverer
    forwarder: Forwarder
    janitor: Janitor
    finisher: Finisher
    processor: Processor
    aggregator: Aggregator | None
    notifier: Notifier | None
    executor: Executor
    held: Held

    @property
    def has_leftovers(self) -> bool:
        """Whether a handler, an aggregator or a listener has not ended."""
        parts = (self.executor, self.aggregator, self.notifier)
        return any(each is not None and each.has_leftovers for each in parts)

    @property
    def components(self) -> tuple[Component, ...]:
        """Everything with a life of its own, in the order of the start; its reverse stops."""
        ordered: tuple[Component | None, ...] = (
            self.watchdog,
            self.heartbeater,
            self.healthchecker,
            self.notifier,
            self.subscriber,
            self.recoverer,
            self.forwarder,
            self.janitor,
            self.finisher,
            self.processor,
            self.aggregator,
        )
        return tuple(each for each in ordered if each is not None)


def assemble(
    mux: ServeMux,
    config: ServerConfig,
    clock: Clock,
    connector: Connector,
    runner: AsyncRunner,
    *,
    server_id: str,
    state: object,
    status: Callable[[], str],
    counters: Counters,
) -> Parts:
    """Make the parts of a server and tie them together; call it on the loop of the server.

    Args:
        state: what `TaskContext.state` is.
        status: tells the status of the server, for its heartbeat.
        counters: where components count what they did.

    Raises:
        ConfigError: a process of its own could not find its handler.
    """
    random = Random()  # noqa: S311 - spreads load, guards nothing
    keys = [queue_keys(queue, connector.namespace) for queue in config.queues]
    held: Held = {}
    changed = asyncio.Event()
    forwarder = Forwarder(
        runner,
        clock,
        keys,
        interval_s=to_seconds(config.delayed_task_check_interval),
        random=random,
        on_forward=changed.set,
        is_cluster=connector.is_cluster,
    )
    scope = Scope(
        server_id=server_id,
        clock=clock,
        loop=asyncio.get_running_loop(),
        write_result=_result_writer(runner),
        state=state,
    )
    notifier = _notifier(mux, config, scope, counters)
    finisher = Finisher(
        runner,
        config,
        clock,
        held,
        on_written=changed.set,
        on_retry=forwarder.expect,
        on_outcome=None if notifier is None else notifier.on_outcome,
    )
    executor = Executor(
        mux,
        config,
        scope,
        settle=finisher.settle,
        release=changed.set,
        on_start=None if notifier is None else notifier.on_start,
        keeps_errors=notifier is not None,
    )
    processor = Processor(
        runner,
        config,
        clock,
        keys,
        executor,
        finisher=finisher,
        held=held,
        wake_up=WakeUp(connector, clock, queues=len(keys), on_wake=changed.set),
        server_id=server_id,
        owners=_owners(),
        random=random,
        changed=changed,
        is_cluster=connector.is_cluster,
    )
    identity = Identity.of_this_process(server_id, clock.now_ns())
    return Parts(
        watchdog=Watchdog(config, clock, executor.running),
        heartbeater=Heartbeater(
            connector, config, clock, identity, held, status=status, on_lost=_end_all(executor)
        ),
        healthchecker=_healthchecker(runner, config),
        subscriber=Subscriber(connector, on_cancel=_cancel(executor), on_due=forwarder.expect),
        recoverer=Recoverer(
            runner,
            config,
            clock,
            keys,
            held,
            counters=counters,
            is_cluster=connector.is_cluster,
            on_recovered=None if notifier is None else notifier.on_recovered,
        ),
        forwarder=forwarder,
        janitor=Janitor(runner, config, clock, keys, is_cluster=connector.is_cluster),
        finisher=finisher,
        processor=processor,
        aggregator=(
            Aggregator(
                runner,
                config,
                clock,
                keys,
                aggregations,
                on_pending=changed.set,
                on_due=forwarder.expect,
                is_cluster=connector.is_cluster,
            )
            if (aggregations := _aggregations(mux, config))
            else None
        ),
        notifier=notifier,
        executor=executor,
        held=held,
    )


def _notifier(
    mux: ServeMux, config: ServerConfig, scope: Scope, counters: Counters
) -> Notifier | None:
    if not mux.listeners:
        return None
    return Notifier(mux.listeners, scope, counters, grace_s=to_seconds(config.cancel_grace))


def _healthchecker(runner: AsyncRunner, config: ServerConfig) -> Healthchecker | None:
    if config.health_check is None:
        return None
    interval_s = to_seconds(config.health_check_interval)
    return Healthchecker(runner, config.health_check, interval_s=interval_s)


def _aggregations(mux: ServeMux, config: ServerConfig) -> Aggregations:
    """Return the aggregators of the mux, and the server's own for the rest."""
    found = Aggregations()
    for each in mux.aggregations.all():
        found.add(each)
    if config.group_aggregator is not None and found.find("*") is None:
        found.add(Aggregation(pattern="*", function=config.group_aggregator))
    return found


def _end_all(executor: Executor) -> Callable[[list[RunningTask]], None]:
    def end_all(tasks: list[RunningTask]) -> None:
        for each in tasks:
            executor.end(each, Ending.LEASE_LOST)

    return end_all


def _cancel(executor: Executor) -> Callable[[str], None]:
    def cancel(task_id: str) -> None:
        for each in list(executor.running):
            if each.leased.task_id == task_id:
                executor.end(each, Ending.CANCELLED)

    return cancel


def _owners() -> Callable[[], str]:
    """Return a function that makes owner tokens, each unique in all of Redis."""
    prefix, numbers = uuid4().hex, count()
    return lambda: f"{prefix}:{next(numbers):x}"


def _result_writer(runner: AsyncRunner) -> Callable[..., Any]:
    async def write(each: RunningTask, result: bytes) -> None:
        task_id = each.leased.task_id
        is_ours = await runner.run(finish.write_result(each.keys, task_id, each.owner, result))
        if not is_ours:
            raise TaskNotFoundError(queue=each.keys.queue, task_id=task_id)
        each.written_result = result

    return write
