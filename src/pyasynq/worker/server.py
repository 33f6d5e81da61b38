"""A server: a worker process, and the ways to run it."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Self
from uuid import uuid4

from pyasynq.broker.runners.opening import opened, opened_with_replicas
from pyasynq.broker.runners.runner_async import LOCAL_CLOCK, PATIENCE_S, AsyncRunner
from pyasynq.clock import Clock, SystemClock, clock_fault
from pyasynq.connection.connector import ConnectionSource, Connector
from pyasynq.errors import ConfigError, ServerStateError
from pyasynq.lifecycle.component import Running, running, until_end
from pyasynq.lifecycle.health import Health
from pyasynq.lifecycle.outage import Outage
from pyasynq.lifecycle.replicas import ReplicaLog
from pyasynq.lifecycle.run_until_signal import check_that_it_may_run, run_until_signal
from pyasynq.lifecycle.shutdown import ShutdownBudget
from pyasynq.lifecycle.to_its_end import to_its_end
from pyasynq.measurements.reading import Reading
from pyasynq.options import to_seconds
from pyasynq.wire.keys import queue_keys
from pyasynq.worker import readings
from pyasynq.worker.assembly import Parts, assemble
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.counters import Counters
from pyasynq.worker.handlers.lifespan import Lifespan, lifespan_of
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.health import CONNECTS, IN_LIFESPAN, QUIET, STOPPING, ServerConditions
from pyasynq.worker.measure.measures import Measures
from pyasynq.worker.memory_settings import ask_for_memory
from pyasynq.worker.resources import ServerResources
from pyasynq.worker.start_report import eviction_warnings, start_line, start_warnings

logger = logging.getLogger("pyasynq.server")

LEAST_WRITES_S = 1.0  # for outcomes at the stop, however short `cancel_grace` is


class Server:
    """Runs the handlers of a ServeMux for the tasks of some queues.

    Args:
        source: where Redis is: a URL, ConnectionOptions, or a redis-py client of yours.
        config: the settings; defaults if not given.
        clock: the time; the machine's if not given.
        lifespan: an async context manager around the work; what it yields is `ctx.state`.

    Raises:
        ConfigError: the config, the clock or the lifespan is of another form.

    A server runs once: new → active → closed.

    Attributes:
        id: a new UUID, the one that tools show.
        counters: what its components did since the start.
    """

    def __init__(
        self,
        source: ConnectionSource = None,
        config: ServerConfig | None = None,
        *,
        clock: Clock | None = None,
        lifespan: Lifespan | None = None,
    ) -> None:
        if config is not None and not isinstance(config, ServerConfig):
            raise ConfigError(f"config must be a ServerConfig, not {type(config).__name__}")
        ConfigError.raise_if([clock_fault(clock)])
        self.config: ServerConfig = config or ServerConfig()
        self.id: str = str(uuid4())
        self.counters: Counters = Counters()
        self._measures = Measures()
        self._source = source
        self._clock = clock or SystemClock()
        self._lifespan = None if lifespan is None else lifespan_of(lifespan)
        self._status = "new"
        self._conditions = ServerConditions(self._clock)
        self._memory: list[dict[str, str]] = []
        self._parts: Parts | None = None
        self._shutdown: asyncio.Event | None = None
        self._start_limit: asyncio.Timeout | None = None  # while it starts
        self._started = asyncio.Event()
        self._budget = ShutdownBudget(
            handlers_s=to_seconds(self.config.shutdown_timeout),
            writes_s=max(LEAST_WRITES_S, to_seconds(self.config.cancel_grace)),
        )

    @property
    def status(self) -> str:
        """One of "new", "active", "stopped" (it fetches nothing more) and "closed"."""
        return self._status

    @property
    def is_ready(self) -> bool:
        """Whether it takes tasks as it should; may be asked in any thread.

        See `health`, of which every check must pass.
        """
        return self.health().is_ready

    @property
    def why_not_ready(self) -> str:
        """Why `is_ready` is false, in a few words without secrets; empty if it is true."""
        return self.health().why_not_ready

    def health(self) -> Health:
        """Return how the server is; may be called in any thread.

        It asks nobody and never fails: it returns what the parts of the server have found. The
        checks, of which only the first two exist before the server has connected:

        - "fetching": nobody has called `stop` or `shutdown`, and it has not ended.
        - "started": every part has started.
        - "loop": the event loop turns.
        - "redis": the last heartbeat reached Redis, which took its writes.
        - "heartbeat": the last one that did is so recent that others see the server.
        - "subscribed": cancellations arrive. It passes where Redis does not let us listen.
        - "slots": a slot is not stuck. A slot is if it is taken by a handler that was asked to
          end, or whose time was up, longer than `cancel_grace` ago.
        """
        return self._conditions.health(self._parts)

    @property
    def has_leftovers(self) -> bool:
        """Whether code of the user goes on that was asked to end."""
        return self._parts is not None and self._parts.has_leftovers

    def readings(self) -> list[Reading]:
        """Return what the server has measured since its start; may be called in any thread.

        It asks nobody, changes nothing and never fails, before the start and after the end too;
        `measurements.worker_metrics` has the names. Counters never fall.
        """
        found = readings.always(
            is_ready=self.is_ready, counters=self.counters, measures=self._measures
        )
        parts, slots = self._parts, self.config.concurrency
        return [*found, *(() if parts is None else readings.of_parts(parts, slots=slots))]

    def run(self, mux: ServeMux, *, on_loop: Callable[[], object] | None = None) -> None:
        """Serve until SIGTERM or SIGINT, then shut down; blocks.

        A second signal does not wait for running handlers, whose tasks go back to their
        queues, and leaves the rest about a second. SIGTSTP only ends the fetching. uvloop is
        used when it is installed. Code that never ends, in a thread or on the loop, does not
        keep the process: it exits without it, with code 0, and `run` does not return.

        Args:
            mux: the handlers.
            on_loop: called once on the loop of the server, before anything starts; later
                callbacks of that loop may call `stop` and `shutdown`.

        Raises:
            RedisUnavailableError: Redis did not answer at the start.
            ServerStateError: called in a running event loop, or not in the main thread.
        """
        check_that_it_may_run("server.serve(mux)", of_an_app="app.server().serve(app.mux)")
        run_until_signal(
            lambda: self.serve(mux),
            on_signal={
                signal.SIGTERM: self.shutdown,
                signal.SIGINT: self.shutdown,
                signal.SIGTSTP: self.stop,
            },
            has_leftovers=lambda: self.has_leftovers,
            on_loop=on_loop,
        )

    async def serve(self, mux: ServeMux) -> None:
        """Serve until `shutdown` is called or the caller is cancelled; then shut down.

        It returns, or raises CancelledError, when nothing of the server is left on the loop; the
        caller may be cancelled again meanwhile.

        Args:
            mux: the handlers.

        Raises:
            ComponentCrashedError: a part of the server failed; the rest was shut down.
            RedisUnavailableError: Redis did not answer at the start.
        """
        await to_its_end(self._begin(mux), self._ask_to_end)

    @contextlib.asynccontextmanager
    async def running(self, mux: ServeMux) -> AsyncIterator[Self]:
        """Serve around a block, for tests and for embedding; shuts down at its end.

        Args:
            mux: the handlers.

        Raises:
            ComponentCrashedError: at the end of the block: a part of the server failed meanwhile.
            RedisUnavailableError: Redis did not answer at the start.
            ServerStateError: it was shut down before it had started.
        """
        serving = self._begin(mux)
        try:
            await self._until_started(serving)
            if self._started.is_set():
                yield self
        finally:
            self._ask_to_end()
            await to_its_end(serving, self._ask_to_end)
        if not self._started.is_set():
            raise ServerStateError("the server was shut down before it had started")

    def stop(self) -> None:
        """Fetch nothing more; running handlers, heartbeats and the rest go on.

        A server that is still starting will fetch nothing at all.
        """
        if self._status == "active":
            self._status = "stopped"
            self._conditions.fetching.fails(QUIET)
            if self._parts is not None:
                self._parts.processor.quiet()

    def shutdown(self) -> None:
        """Make `serve` end: wait for handlers, requeue what takes too long, deregister.

        Call it on the loop of the server. All of it takes at most `shutdown_timeout`,
        `cancel_grace` (at least 1 s) and 2 s together, whatever Redis does. A second call does
        not wait for handlers, and leaves about a second for the rest. A server that is still
        starting has `shutdown_timeout` to start, or until a second call; then what it waits for,
        such as the lifespan, is cancelled.
        """
        if self._shutdown is None:
            return
        if self._shutdown.is_set():
            self._budget.hurry()
        self._shutdown.set()
        self._conditions.fetching.fails(STOPPING)
        limit = self._start_limit
        if limit is not None and not limit.expired():
            self._budget.begin()
            limit.reschedule(asyncio.get_running_loop().time() + self._budget.handlers_s)

    def _ask_to_end(self) -> None:
        """Shut down, unless somebody else has asked for it; a second time would be a hurry."""
        if self._shutdown is not None and not self._shutdown.is_set():
            self.shutdown()

    def _begin(self, mux: ServeMux) -> asyncio.Task[None]:
        """Serve in a task of its own, whose cleanup no cancellation of the caller reaches."""
        if self._status != "new":
            raise ServerStateError(f"this server is {self._status}; make a new one to serve again")
        if not isinstance(mux, ServeMux):
            hint = "; write app.run()" if hasattr(mux, "mux") else ""
            raise ConfigError(f"a server needs a ServeMux, not {type(mux).__name__}{hint}")
        self._status = "active"
        self._shutdown = asyncio.Event()
        return asyncio.create_task(self._serve(mux, self._shutdown), name="pyasynq server")

    async def _serve(self, mux: ServeMux, shutdown: asyncio.Event) -> None:
        """Connect, start every component, and take all down again after the shutdown."""
        async with contextlib.AsyncExitStack() as stack:
            stack.callback(self._close)
            self._start_limit = limit = asyncio.timeout(None)
            try:
                async with limit:
                    lives, parts = await self._start(stack, mux, shutdown)
            except TimeoutError:
                if not limit.expired():
                    raise
                logger.warning("server %s was stopped before it had started", self.id)
                return
            finally:
                self._start_limit = None
            self._conditions.started.passes()
            self._started.set()
            crash: BaseException | None = None
            try:
                await until_end(lives, shutdown)
            except BaseException as error:
                crash = error
                raise
            finally:
                self._conditions.fetching.fails(STOPPING)
                self._budget.begin()
                parts.processor.quiet()
                self._log_stop(parts)
                parts.on_shutdown(crash)

    async def _until_started(self, serving: asyncio.Task[None]) -> None:
        """Wait until the server has started, or has ended before."""
        started = asyncio.create_task(self._started.wait(), name="pyasynq server start")
        try:
            await asyncio.wait({serving, started}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            started.cancel()

    async def _start(
        self, stack: contextlib.AsyncExitStack, mux: ServeMux, shutdown: asyncio.Event
    ) -> tuple[Running, Parts]:
        """Connect and start every component; *stack* takes all of it down again."""
        started = self._conditions.started
        started.fails(CONNECTS)
        resources = await self._connected(stack)
        task = asyncio.current_task()
        if task is not None and task.cancelling():  # an answer of Redis has swallowed it
            raise asyncio.CancelledError
        state = self.config.base_state
        if self._lifespan is not None:
            started.fails(IN_LIFESPAN)
            state = await stack.enter_async_context(self._lifespan())
        self._parts = parts = assemble(mux, resources, state=state, status=lambda: self._status)
        stack.push_async_callback(self._budget.close, parts.executor.close)
        if self._status == "stopped" or shutdown.is_set():
            parts.processor.quiet()
        lives = await stack.enter_async_context(running(parts.components, self._budget))
        self._log_start(mux, resources.connector.description)
        if parts.notifier is not None:
            parts.notifier.on_worker_started()
        return lives, parts

    async def _connected(self, stack: contextlib.AsyncExitStack) -> ServerResources:
        """Connect to Redis, and learn its time; *stack* closes all of it."""
        connector, runner = await opened(self._source, self._clock, self._budget, stack)
        self._memory = await ask_for_memory(runner, connector, self.config.queues)
        if not await runner.measure_clock(patience_s=PATIENCE_S) and runner.time_refusal:
            logger.warning(LOCAL_CLOCK, runner.time_refusal)
        return ServerResources(
            outcomes=await self._outcomes(stack, connector),
            config=self.config,
            clock=self._clock,
            connector=connector,
            runner=runner,
            server_id=self.id,
            counters=self.counters,
            measures=self._measures,
            budget=self._budget,
            outage=Outage(monotonic=self._clock.monotonic, is_by_queue=connector.is_cluster),
        )

    async def _outcomes(
        self, stack: contextlib.AsyncExitStack, connector: Connector
    ) -> AsyncRunner | None:
        """Return what runs the writes of outcomes, if they are to be on replicas."""
        if connector.replication is None:
            return None
        missing = partial(self.counters.add, "unreplicated", "", "writes")
        return await opened_with_replicas(
            connector,
            self._clock,
            self._budget,
            stack,
            queues=[queue_keys(queue, connector.namespace) for queue in self.config.queues],
            on_replicas=ReplicaLog(logger, "server", connector.replication.replicas, missing),
        )

    def _close(self) -> None:
        self._status = "closed"
        self._conditions.fetching.fails(STOPPING)
        counts = {} if self._parts is None else self._parts.finisher.counts
        ended = ", ".join(f"{count} {word}" for word, count in sorted(counts.items()))
        logger.info("server %s is closed; its tasks: %s", self.id, ended or "none")

    def _log_start(self, mux: ServeMux, redis: str) -> None:
        logger.info("%s", start_line(mux, self.config, server_id=self.id, redis=redis))
        logger.debug("task types: %s", ", ".join(route.pattern for route in mux.routes))
        for warning in (*start_warnings(mux, self.config), *eviction_warnings(self._memory)):
            logger.warning("%s", warning)

    def _log_stop(self, parts: Parts) -> None:
        running = len(parts.executor.running)
        if not running:
            logger.info("server %s shuts down", self.id)
            return
        logger.info(
            "server %s shuts down: it waits up to %g s for %d running task%s; a second signal does "
            "not wait",
            self.id,
            to_seconds(self.config.shutdown_timeout),
            running,
            "" if running == 1 else "s",
        )
