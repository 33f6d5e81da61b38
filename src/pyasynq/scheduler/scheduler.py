"""A scheduler: enqueues periodic tasks, and the ways to run it."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from datetime import UTC, timedelta, tzinfo
from typing import Self, Unpack
from uuid import uuid4

from pyasynq.broker.operations.schedulers import Overlap
from pyasynq.broker.runners.opening import answers_when_checked, opened
from pyasynq.broker.runners.runner_async import LOCAL_CLOCK, PATIENCE_S
from pyasynq.clock import Clock, SystemClock, clock_fault
from pyasynq.connection.connector import ConnectionSource
from pyasynq.errors import ConfigError, EntryNotFoundError, ServerStateError
from pyasynq.events.event import PERIODIC_EVENTS, PeriodicEventName
from pyasynq.events.listeners import Listeners, P
from pyasynq.lifecycle.component import Component, Running, running, until_end
from pyasynq.lifecycle.health import Health
from pyasynq.lifecycle.outage import Outage
from pyasynq.lifecycle.run_until_signal import check_that_it_may_run, run_until_signal
from pyasynq.lifecycle.shutdown import ShutdownBudget
from pyasynq.lifecycle.to_its_end import to_its_end
from pyasynq.measurements import scheduler_metrics
from pyasynq.measurements.reading import Reading
from pyasynq.options import (
    Duration,
    EnqueueOptions,
    OptionKeywords,
    duration_fault,
    name_fault,
    to_seconds,
)
from pyasynq.scheduler.assembly import Parts, assemble, storing_on_replicas
from pyasynq.scheduler.cron import find_zone
from pyasynq.scheduler.entry import (
    DEFAULT_MISSED,
    DEFAULT_OVERLAP,
    DEFAULT_WITHIN,
    Entry,
    make_entry,
    make_policy,
)
from pyasynq.scheduler.health import SchedulerCondition
from pyasynq.scheduler.hooks import AfterEnqueue, BeforeEnqueue, Hooks, OnEnqueueError
from pyasynq.scheduler.measures import TickMeasures, number
from pyasynq.scheduler.resources import SchedulerResources
from pyasynq.scheduler.ticks import Missed
from pyasynq.task import Task
from pyasynq.tracing import Tracing, chosen, tracing_fault

logger = logging.getLogger("pyasynq.scheduler")

DEFAULT_NAME = "default"
DEFAULT_HEARTBEAT = timedelta(seconds=10)  # asynq v0.26 scheduler.go
SHUTDOWN_S = 3.0


class Scheduler:
    """Enqueues tasks at the times of their specs.

    Any number of processes may run a scheduler of the same name: one of them leads, another
    follows within five seconds of its death, and each tick makes one task. The last tick of each
    entry is kept in Redis, so a restart loses nothing.

    Args:
        source: where Redis is: a URL, ConnectionOptions, or a redis-py client of yours.
        name: the same in all processes that run this scheduler, and in no other one.
        location: the time zone in which specs are meant, as a tzinfo or by its name.
        pre_enqueue: called before each tick with the task and its options. Hooks may be plain or
            async; one that raises is logged, and the tick goes on.
        post_enqueue: called after each tick with what was stored, or None, and with the error why
            nothing was, or None.
        on_error: called with the task, its options and the error when nothing was stored.
        heartbeat_interval: how often the entries are shown to tools, at least 1 s.
        clock: the time; the machine's if not given.
        tracing: makes a span of each tick, whose context its task carries; see
            `pyasynq.opentelemetry`. None for no spans.

    Raises:
        ConfigError: names every argument that is wrong.

    A scheduler runs once: new → active → closed.

    Attributes:
        id: of this process, by which it leads.
        location: the time zone in which specs are meant.
        listeners: what `on` has registered.
    """

    def __init__(
        self,
        source: ConnectionSource = None,
        *,
        name: str = DEFAULT_NAME,
        location: tzinfo | str = UTC,
        pre_enqueue: BeforeEnqueue | None = None,
        post_enqueue: AfterEnqueue | None = None,
        on_error: OnEnqueueError | None = None,
        heartbeat_interval: Duration = DEFAULT_HEARTBEAT,
        clock: Clock | None = None,
        tracing: Tracing | None = None,
    ) -> None:
        interval_fault = duration_fault(
            "heartbeat_interval", heartbeat_interval, minimum=timedelta(seconds=1)
        )
        faults = [name_fault("name", name), interval_fault, clock_fault(clock)]
        ConfigError.raise_if([*faults, tracing_fault(tracing)])
        self._tracing = chosen(tracing)
        self.name = name
        self.id: str = f"{socket.gethostname()}:{os.getpid()}:{uuid4()}"
        self._source = source
        self._first: tuple[Component, ...] = ()
        self.location: tzinfo = find_zone(location)
        self._hooks = Hooks(pre_enqueue=pre_enqueue, post_enqueue=post_enqueue, on_error=on_error)
        self._heartbeat_s = to_seconds(heartbeat_interval)
        self._clock = clock or SystemClock()
        self._entries: dict[str, Entry] = {}
        self.listeners: Listeners = Listeners("scheduler", PERIODIC_EVENTS)
        self._measures = TickMeasures()
        self._parts: Parts | None = None
        self._status = "new"
        self._outage = Outage(monotonic=self._clock.monotonic, log=logger, who="scheduler")
        self._condition = SchedulerCondition(self._clock, self._outage)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed: asyncio.Event | None = None
        self._shutdown: asyncio.Event | None = None
        self._start_limit: asyncio.Timeout | None = None  # while it starts
        self._started = asyncio.Event()
        self._budget = ShutdownBudget(handlers_s=SHUTDOWN_S, writes_s=0.0)

    @property
    def status(self) -> str:
        """One of "new", "active" and "closed"."""
        return self._status

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What is registered."""
        return tuple(self._entries.values())

    def health(self) -> Health:
        """Return how the scheduler is, as one check; may be called in any thread.

        It passes from the start until the stop, whether this scheduler leads or follows, unless
        Redis is away or refuses a call.
        """
        shutdown = self._shutdown
        is_told = shutdown is not None and shutdown.is_set()
        return self._condition.health(
            is_started=self._started.is_set(), is_stopping=is_told or self._status == "closed"
        )

    def readings(self) -> list[Reading]:
        """Return what the scheduler has measured since its start; may be called in any thread.

        It asks nobody, changes nothing and never fails, before the start and after the end too;
        `measurements.scheduler_metrics` has the names. Counters never fall.
        """
        leads = self._parts is not None and self._parts.leadership.is_leading
        return [
            number(scheduler_metrics.ENTRIES, len(self._entries), self.name),
            number(scheduler_metrics.LEADS, leads, self.name),
            *self._measures.readings(self.name),
        ]

    def register(
        self,
        spec: str | timedelta,
        task: Task,
        key: str | None = None,
        *,
        seconds: bool = False,
        missed: Missed = DEFAULT_MISSED,
        missed_within: Duration = DEFAULT_WITHIN,
        overlap: Overlap = DEFAULT_OVERLAP,
        jitter: Duration = 0,
        **options: Unpack[OptionKeywords],
    ) -> str:
        """Enqueue *task* at each tick of *spec*; before or while the scheduler runs.

        Args:
            spec: five fields of cron, "@daily" and the like, "@every 90s", or a timedelta.
            task: what is enqueued; its own options apply unless *options* override them.
            key: names the entry, so that its ticks are known although its spec or payload
                changes. Without one, an entry with other values is another entry.
            seconds: whether the spec begins with a field for seconds.
            missed: what is done about ticks that are over, as after a restart: "once" does the
                last one, "all" does each, "skip" none that is more than a minute late.
            missed_within: ticks that are over for longer are left out.
            overlap: what becomes of the task of an earlier tick that is not done: "allow" lets
                both wait or run, "skip" lets the new tick pass, "replace" deletes the earlier
                task unless it runs.
            jitter: up to how much later than its tick a task is enqueued; the same for a tick in
                every process.
            options: see `EnqueueOptions`.

        Returns:
            The ID of the entry, which is the same in every process. One that is registered
            already is replaced.

        Raises:
            ConfigError: the spec cannot be read or never fires, or an argument is wrong.
        """
        policy = make_policy(
            missed=missed, missed_within=missed_within, overlap=overlap, jitter=jitter
        )
        entry = make_entry(
            self.name,
            spec,
            task,
            EnqueueOptions.from_keywords(options),
            location=self.location,
            key=key,
            seconds=seconds,
            policy=policy,
        )
        return self.add(entry)

    def add(self, entry: Entry) -> str:
        """Enqueue what an entry says that was made for a scheduler of this name; see `register`."""
        self._entries[entry.id] = entry
        self._tell_of_change()
        return entry.id

    def unregister(self, entry_id: str) -> None:
        """Enqueue nothing more for an entry; its history and its last tick are kept.

        Raises:
            EntryNotFoundError: there is no such entry.
        """
        if self._entries.pop(entry_id, None) is None:
            raise EntryNotFoundError(entry_id)
        self._tell_of_change()

    @property
    def has_leftovers(self) -> bool:
        """Whether a listener goes on that should have ended."""
        return self._parts is not None and self._parts.has_leftovers

    def on(self, *names: PeriodicEventName) -> Callable[[P], P]:
        """Call the decorated function with what became of ticks, before or while nothing runs.

        ``function(event)`` gets one `PeriodicEvent` at a time, apart from the scheduler: whatever
        it does, no tick waits for it. A coroutine function runs on the event loop of the
        scheduler, a plain one in its own thread. An event arrives at most once, in the process
        that leads. At the stop, listeners have 3 s for the events that still wait.

        Args:
            names: "periodic_enqueued", "periodic_skipped" or "periodic_failed"; at least one.

        Raises:
            ConfigError: a name is wrong or given twice, there is none, or the function is of
                another form.
        """
        return self.listeners.register(names)

    def run_first(self, component: Component) -> None:
        """Run *component* too, before those of the scheduler; call this before `serve`."""
        self._first = (*self._first, component)

    def run(self, *, on_loop: Callable[[], object] | None = None) -> None:
        """Schedule until SIGTERM or SIGINT; blocks.

        Args:
            on_loop: called once on the loop of the scheduler, before anything starts.

        Raises:
            RedisUnavailableError: Redis did not answer at the start.
            ServerStateError: called in a running event loop, or not in the main thread.
        """
        check_that_it_may_run("scheduler.serve()", of_an_app="app.scheduler().serve()")
        run_until_signal(
            self.serve,
            on_signal={signal.SIGTERM: self.shutdown, signal.SIGINT: self.shutdown},
            has_leftovers=lambda: self.has_leftovers,
            on_loop=on_loop,
        )

    async def serve(self) -> None:
        """Schedule until `shutdown` is called or the caller is cancelled.

        Raises:
            ComponentCrashedError: a part of the scheduler failed; the rest was shut down.
            RedisUnavailableError: Redis did not answer at the start.
        """
        await to_its_end(self._begin(), self.shutdown)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Schedule around a block, for tests and for embedding; shuts down at its end.

        Raises:
            ComponentCrashedError: at the end of the block: a part failed meanwhile.
            RedisUnavailableError: Redis did not answer at the start.
            ServerStateError: it was shut down before it had started.
        """
        serving = self._begin()
        started = asyncio.create_task(self._started.wait(), name="pyasynq scheduler start")
        try:
            await asyncio.wait({serving, started}, return_when=asyncio.FIRST_COMPLETED)
            if self._started.is_set():
                yield self
        finally:
            started.cancel()
            self.shutdown()
            await to_its_end(serving, self.shutdown)
        if not self._started.is_set():
            raise ServerStateError("the scheduler was shut down before it had started")

    def shutdown(self) -> None:
        """Make `serve` end; another scheduler of this name leads at once. Call it on its loop."""
        if self._shutdown is None:
            return
        self._shutdown.set()
        limit = self._start_limit
        if limit is not None and not limit.expired():
            limit.reschedule(asyncio.get_running_loop().time())

    def _begin(self) -> asyncio.Task[None]:
        if self._status != "new":
            raise ServerStateError(f"this scheduler is {self._status}; make a new one")
        self._status = "active"
        self._loop = asyncio.get_running_loop()
        self._shutdown = asyncio.Event()
        return asyncio.create_task(self._serve(self._shutdown), name="pyasynq scheduler")

    async def _serve(self, shutdown: asyncio.Event) -> None:
        async with contextlib.AsyncExitStack() as stack:
            stack.callback(self._close)
            self._start_limit = limit = asyncio.timeout(0 if shutdown.is_set() else None)
            try:
                async with limit:
                    lives = await self._start(stack)
            except TimeoutError:
                if not limit.expired():
                    raise
                logger.warning("scheduler %s was stopped before it had started", self.name)
                return
            finally:
                self._start_limit = None
            self._started.set()
            try:
                await until_end(lives, shutdown)
            finally:
                logger.info("scheduler %s shuts down", self.name)

    async def _start(self, stack: contextlib.AsyncExitStack) -> Running:
        """Connect and start every part; *stack* takes all of it down again."""
        connector, runner = await opened(self._source, self._clock, self._budget, stack)
        await answers_when_checked(runner, connector.namespace, [])
        if not await runner.measure_clock(patience_s=PATIENCE_S) and runner.time_refusal:
            logger.warning(LOCAL_CLOCK, runner.time_refusal)
        storing = await storing_on_replicas(
            connector, self._entries.values(), self._clock, self._budget, stack
        )
        resources = SchedulerResources(
            name=self.name,
            id=self.id,
            namespace=connector.namespace,
            clock=self._clock,
            runner=runner,
            entries=self._entries,
            outage=self._outage,
            budget=self._budget,
            is_cluster=connector.is_cluster,
            storing=storing,
            tracing=self._tracing,
            measures=self._measures,
        )
        self._changed = resources.changed
        logger.info("scheduler %s of %s starts", self.name, connector.description)
        self._parts = parts = assemble(
            resources,
            self._hooks,
            self.listeners,
            heartbeat_s=self._heartbeat_s,
            first=self._first,
        )
        return await stack.enter_async_context(running(parts.components, self._budget))

    def _close(self) -> None:
        self._status, self._changed = "closed", None

    def _tell_of_change(self) -> None:
        loop, changed = self._loop, self._changed
        if loop is not None and changed is not None:
            with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(changed.set)
