"""The components of a server: made here, tied together, in their order."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Any
from uuid import uuid4

import msgspec

from pyasynq.broker.operations import finish
from pyasynq.broker.operations.progress import write_progress
from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.connection.connector import Connector
from pyasynq.errors import TaskNotFoundError
from pyasynq.events.event import SERVER_EVENTS
from pyasynq.lifecycle.component import Component
from pyasynq.lifecycle.outage import Outage
from pyasynq.tracing import Tracing, chosen
from pyasynq.wire.handled import ANY_TEXT, Handled
from pyasynq.wire.progress import ProgressRecord, encode
from pyasynq.worker.attempt.outcome import Outcome
from pyasynq.worker.attempt.running_task import Ending, Held, RunningTask
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.execute.executor import Executor, Settle
from pyasynq.worker.fetch.fetcher import Fetcher
from pyasynq.worker.fetch.idle_wait import IdleWait
from pyasynq.worker.fetch.processor import Processor
from pyasynq.worker.fetch.wake_up import WakeUp
from pyasynq.worker.finish.finisher import Finisher
from pyasynq.worker.groups.aggregator import Aggregator
from pyasynq.worker.handlers.aggregators import Aggregation, Aggregations
from pyasynq.worker.handlers.context import Scope
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.handlers.progress import ProgressWriter, WriteProgress
from pyasynq.worker.liveness.healthchecker import Healthchecker
from pyasynq.worker.liveness.heartbeater import Heartbeater, Identity
from pyasynq.worker.liveness.subscriber import Subscriber
from pyasynq.worker.liveness.watchdog import Watchdog
from pyasynq.worker.maintenance.forwarder import Forwarder
from pyasynq.worker.maintenance.janitor import Janitor
from pyasynq.worker.maintenance.recoverer import Recoverer
from pyasynq.worker.measure.type_tally import TypeTally
from pyasynq.worker.notify.notifier import Notifier
from pyasynq.worker.observers import Observer, each_of, together
from pyasynq.worker.record.recorder import Recorder
from pyasynq.worker.resources import ServerResources
from pyasynq.worker.task_log import TaskLog
from pyasynq.worker.task_tracing import TaskTracing


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """The assembled parts of one server."""

    watchdog: Watchdog
    heartbeater: Heartbeater
    healthchecker: Healthchecker | None
    notifier: Notifier | None
    recorder: Recorder | None
    subscriber: Subscriber
    recoverer: Recoverer
    forwarder: Forwarder
    janitor: Janitor
    finisher: Finisher
    processor: Processor
    aggregator: Aggregator | None
    executor: Executor
    held: Held
    tally: TypeTally
    outage: Outage
    connector: Connector

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
            self.recorder,
            self.subscriber,
            self.recoverer,
            self.forwarder,
            self.janitor,
            self.finisher,
            self.processor,
            self.aggregator,
        )
        return tuple(each for each in ordered if each is not None)

    def on_shutdown(self, crash: BaseException | None) -> None:
        """Let listeners hear at the end why the server has stopped: because of *crash*, if any."""
        if self.notifier is not None:
            finisher = self.finisher
            self.notifier.on_shutdown(
                crash, counts=lambda: finisher.counts, unwritten=lambda: finisher.unwritten
            )


def assemble(
    mux: ServeMux, resources: ServerResources, *, state: object, status: Callable[[], str]
) -> Parts:
    """Make the parts of a server and tie them together; call it on the loop of the server.

    Args:
        state: what `TaskContext.state` is.
        status: returns the status of the server, for its heartbeat.

    Raises:
        ConfigError: a process of its own could not find its handler.
    """
    scope = _scope(resources, state)
    listeners = mux.listeners.of(SERVER_EVENTS)
    notifier = Notifier(resources, listeners, scope) if listeners else None
    tally = TypeTally(_pattern_of(mux))
    recorder = _recorder(tally, resources, notifier)
    tracing = chosen(resources.config.tracing)
    task_log = resources.task_log()
    kept = tuple(_observers(tally, recorder, notifier, task_log))
    observer = together(kept if tracing is None else (_traced(resources, tracing, kept), *kept))
    forwarder = Forwarder(resources)
    finisher = Finisher(
        resources,
        on_retry=forwarder.expect,
        on_outcomes=observer.on_outcomes,
        on_unwritable=tally.on_unwritable,
    )
    executor = Executor(
        mux,
        resources,
        scope,
        task_log=task_log,
        settle=_settling(observer, finisher),
        on_start=observer.on_start,
        keeps_errors=observer.keeps_errors,
        is_traced=tracing is not None,
    )
    check = resources.config.health_check
    aggregator = _aggregator(mux, resources, forwarder, tracing)
    return Parts(
        watchdog=Watchdog(resources, executor.running),
        heartbeater=_heartbeater(resources, executor, status, _handled(mux, aggregator)),
        healthchecker=Healthchecker(resources, check) if check else None,
        notifier=notifier,
        recorder=recorder,
        subscriber=Subscriber(resources, on_cancel=_cancel(executor), on_due=forwarder.expect),
        recoverer=Recoverer(resources, task_log=task_log, on_recovered=observer.on_recovered),
        forwarder=forwarder,
        janitor=Janitor(resources),
        finisher=finisher,
        processor=_processor(resources, executor, finisher),
        aggregator=aggregator,
        executor=executor,
        held=resources.held,
        tally=tally,
        outage=resources.outage,
        connector=resources.connector,
    )


def _observers(
    tally: TypeTally,
    recorder: Recorder | None,
    notifier: Notifier | None,
    task_log: TaskLog,
) -> Iterator[Observer]:
    """Yield who is called with what happens to tasks, in the order of the calls."""
    if recorder is not None:  # first: what comes after it forgets the errors of tasks
        yield recorder.observer
    yield Observer(on_outcomes=tally.on_outcomes, on_recovered=tally.on_recovered)
    if notifier is not None:
        yield notifier.observer
    if task_log.is_verbose:
        yield Observer(on_start=task_log.on_start, on_outcomes=each_of(task_log.on_outcome))


def _traced(resources: ServerResources, tracing: Tracing, others: Iterable[Observer]) -> Observer:
    """Return what makes the spans of tasks; it comes before the others."""
    keep_errors = any(each.keeps_errors for each in others)
    return TaskTracing(
        tracing,
        resources.clock,
        server_id=resources.server_id,
        address=resources.connector.address,
        drops_errors=not keep_errors,
    ).observer


def _settling(observer: Observer, finisher: Finisher) -> Settle:
    """Return what settles a task whose handler has started."""
    on_settle = observer.on_settle
    if on_settle is None:
        return finisher.settle

    def settle(running: RunningTask, outcome: Outcome) -> None:
        on_settle(running, outcome)
        finisher.settle(running, outcome)

    return settle


def _heartbeater(
    resources: ServerResources,
    executor: Executor,
    status: Callable[[], str],
    handled: Callable[[], Handled],
) -> Heartbeater:
    identity = _identity(resources)
    return Heartbeater(
        resources, identity, status=status, handled=handled, on_lost=_end_all(executor)
    )


def _identity(resources: ServerResources) -> Identity:
    return Identity.of_this_process(resources.server_id, resources.clock.now_ns())


def _recorder(
    tally: TypeTally, resources: ServerResources, notifier: Notifier | None
) -> Recorder | None:
    config = resources.config
    if config.task_history is None and not config.type_statistics:
        return None
    identity = _identity(resources)
    return Recorder(
        resources,
        worker=f"{identity.host}:{identity.pid}:{identity.server_id}",
        tally=tally,
        drops_errors=notifier is None,
    )


def _pattern_of(mux: ServeMux) -> Callable[[str], str]:
    """Return what returns the pattern by which a type finds its handler."""

    def pattern_of(task_type: str) -> str:
        route = mux.route(task_type)
        if route is None:
            return ANY_TEXT
        return task_type if route.pattern == task_type else route.types

    return pattern_of


def _handled(mux: ServeMux, aggregator: Aggregator | None) -> Callable[[], Handled]:
    """Return a function that tells what the server handles, in any thread."""

    def handled() -> Handled:
        types = sorted(route.types for route in mux.routes)
        groups = () if aggregator is None else aggregator.handled_groups
        return Handled(types=tuple(types), groups=groups)

    return handled


def _processor(resources: ServerResources, executor: Executor, finisher: Finisher) -> Processor:
    wake_up = WakeUp(resources)
    return Processor(
        resources,
        fetcher=Fetcher(
            resources,
            owners=_owners(),
            may_wait=wake_up.is_possible,
            known_empty=wake_up.empty,
            waits_s=wake_up.renew_s,
        ),
        idle_wait=IdleWait(resources, wake_up),
        executor=executor,
        finisher=finisher,
    )


def _scope(resources: ServerResources, state: object) -> Scope:
    loop = asyncio.get_running_loop()
    return Scope(
        server_id=resources.server_id,
        clock=resources.clock,
        loop=loop,
        write_result=_result_writer(resources.runner),
        report=ProgressWriter(loop, resources.reports, _progress_writer(resources)).report,
        state=state,
        is_only_slot=resources.is_only_slot,
    )


def _aggregator(
    mux: ServeMux, resources: ServerResources, forwarder: Forwarder, tracing: Tracing | None
) -> Aggregator | None:
    aggregations = _aggregations(mux, resources.config)
    if not aggregations:
        return None
    return Aggregator(resources, aggregations, on_due=forwarder.expect, tracing=tracing)


def _aggregations(mux: ServeMux, config: ServerConfig) -> Aggregations:
    """Return the aggregators of the mux, and the server's own for all other groups."""
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
            if each.task_id == task_id:
                executor.end(each, Ending.CANCELLED)

    return cancel


def _owners() -> Callable[[], str]:
    """Return a function that makes owner tokens, each unique in all of Redis."""
    prefix, numbers = uuid4().hex, count()
    return lambda: f"{prefix}:{next(numbers):x}"


def _result_writer(runner: AsyncRunner) -> Callable[..., Any]:
    async def write(each: RunningTask, result: bytes) -> None:
        operation = finish.write_result(each.keys, each.task_id, each.owner, result)
        if not await runner.run(operation):
            raise TaskNotFoundError(queue=each.queue, task_id=each.task_id)
        each.written_result = result

    return write


def _progress_writer(resources: ServerResources) -> WriteProgress:
    async def write(each: RunningTask, record: ProgressRecord) -> None:
        fence = each.fence_at(resources.clock.redis_now_ns())
        operation = write_progress(each.keys, each.task_id, fence, encode(record))
        await resources.runner.run(operation, patience_s=0)

    return write
