"""A server: a worker process, and the ways to run it."""

import asyncio
import contextlib
import gc
import logging
import signal
import threading
from collections.abc import AsyncIterator, Callable
from typing import Self
from uuid import uuid4

from pyasynq.broker.operations.redis_info import PING
from pyasynq.broker.runners.runner_async import PATIENCE_S, AsyncRunner
from pyasynq.clock import Clock, SystemClock
from pyasynq.connection.connector import ConnectionSource, Connector
from pyasynq.errors import ConfigError, ServerStateError
from pyasynq.lifecycle.component import Running, running
from pyasynq.lifecycle.own_signals import taken_over
from pyasynq.lifecycle.process_exit import ProcessExit, exit_now
from pyasynq.lifecycle.shutdown import ShutdownBudget
from pyasynq.options import to_seconds
from pyasynq.worker.assembly import Parts, assemble
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.counters import Counters
from pyasynq.worker.handlers.lifespan import Lifespan, lifespan_of
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.resources import ServerResources

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
        ConfigError: the lifespan is of another form.

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
        self.config = config or ServerConfig()
        self.id = str(uuid4())
        self.counters = Counters()
        self._source = source
        self._clock = clock or SystemClock()
        self._lifespan = None if lifespan is None else lifespan_of(lifespan)
        self._status = "new"
        self._has_started = False
        self._parts: Parts | None = None
        self._shutdown: asyncio.Event | None = None
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

        False until all parts have started, after `stop` or `shutdown`, while heartbeats do not
        reach Redis, and while every slot is stuck: taken by a handler that was asked to end, or
        whose time was up, longer than `cancel_grace` ago.
        """
        parts, shutdown = self._parts, self._shutdown
        if parts is None or shutdown is None or shutdown.is_set():
            return False
        is_working = self._status == "active" and self._has_started
        return (
            is_working and parts.heartbeater.is_reachable and not parts.watchdog.is_every_slot_stuck
        )

    def run(self, mux: ServeMux, *, on_loop: Callable[[], object] | None = None) -> None:
        """Serve until SIGTERM or SIGINT, then shut down; blocks.

        A second signal does not wait for running handlers, whose tasks go back to their
        queues, and leaves the rest about a second. SIGTSTP only ends the fetching. uvloop is
        used when it is installed. Code that never ends, in a thread or on the loop, does not
        keep the process: it exits without it, with code 0, and `run` does not return.

        Args:
            on_loop: called once on the loop of the server, before anything starts; later
                callbacks of that loop may call `stop` and `shutdown`.

        Raises:
            RedisUnavailableError: Redis did not answer at the start.
            ServerStateError: called in a running event loop, or not in the main thread.
        """
        _check_that_it_may_run()
        with asyncio.Runner(loop_factory=_loop_factory()) as loop_runner:
            loop = loop_runner.get_loop()
            gc.collect()
            gc.freeze()  # what is loaded by now stays: the collector need not look at it again
            end = ProcessExit(loop)
            try:
                end.run(loop.create_task(self._serve_until_signal(mux, on_loop)))
            except Exception:
                if self._is_stuck or not end.wind_down():
                    logger.exception("the server failed")
                    exit_now(1)
                raise
            if self._is_stuck or not end.wind_down():
                exit_now(0)

    async def serve(self, mux: ServeMux) -> None:
        """Serve until `shutdown` is called or the caller is cancelled; then shut down.

        Raises:
            ComponentCrashedError: a part of the server failed; the rest was shut down.
            RedisUnavailableError: Redis did not answer at the start.
        """
        async with self._active(mux) as lives:
            if self._shutdown is None:
                raise ServerStateError("the server is not active")
            ended = asyncio.create_task(self._shutdown.wait(), name="pyasynq server shutdown")
            crashed = asyncio.create_task(lives.crash(), name="pyasynq server crash")
            try:
                await asyncio.wait({ended, crashed}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                ended.cancel()
            if crashed.done():
                await crashed
            crashed.cancel()

    @contextlib.asynccontextmanager
    async def running(self, mux: ServeMux) -> AsyncIterator[Self]:
        """Serve around a block, for tests and for embedding; shuts down at its end."""
        async with self._active(mux):
            yield self

    def stop(self) -> None:
        """Fetch nothing more; running handlers, heartbeats and the rest go on.

        A server that is still starting will fetch nothing at all.
        """
        if self._status == "active":
            self._status = "stopped"
            if self._parts is not None:
                self._parts.processor.quiet()

    def shutdown(self) -> None:
        """Make `serve` end: wait for handlers, requeue what takes too long, deregister.

        Call it on the loop of the server. All of it takes at most `shutdown_timeout`,
        `cancel_grace` (at least 1 s) and 2 s together, whatever Redis does. A second call does
        not wait for handlers, and leaves about a second for the rest. A server that is still
        starting shuts down once it has started.
        """
        if self._shutdown is None:
            return
        if self._shutdown.is_set():
            self._budget.hurry()
        self._shutdown.set()

    @property
    def _is_stuck(self) -> bool:
        return self._parts is not None and self._parts.has_leftovers

    async def _serve_until_signal(
        self, mux: ServeMux, on_loop: Callable[[], object] | None
    ) -> None:
        loop = asyncio.get_running_loop()
        reactions = {
            signal.SIGTERM: self.shutdown,
            signal.SIGINT: self.shutdown,
            signal.SIGTSTP: self.stop,
        }

        def take() -> None:
            for number, react in reactions.items():
                loop.add_signal_handler(number, react)
            if on_loop is not None:
                on_loop()

        with taken_over(reactions, take):
            await self.serve(mux)

    @contextlib.asynccontextmanager
    async def _active(self, mux: ServeMux) -> AsyncIterator[Running]:
        """Connect, start every component around a block, and take all down again."""
        if self._status != "new":
            raise ServerStateError(f"this server is {self._status}; make a new one to serve again")
        if not isinstance(mux, ServeMux):
            raise ConfigError(f"a server needs a ServeMux, not {type(mux).__name__}")
        self._status = "active"
        self._shutdown = asyncio.Event()
        async with contextlib.AsyncExitStack() as stack:
            stack.callback(self._close)
            resources = await self._connected(stack)
            state = self.config.base_state
            if self._lifespan is not None:
                state = await stack.enter_async_context(self._lifespan())
            self._parts = assemble(mux, resources, state=state, status=lambda: self._status)
            stack.push_async_callback(self._budget.close, self._parts.executor.close)
            if self._status == "stopped" or self._shutdown.is_set():
                self._parts.processor.quiet()
            lives = await stack.enter_async_context(running(self._parts.components, self._budget))
            logger.info(
                "server %s serves %s with concurrency %d on %s",
                self.id,
                ", ".join(f"{queue}={weight}" for queue, weight in self.config.queues.items()),
                self.config.concurrency,
                resources.connector.description,
            )
            self._has_started = True
            try:
                yield lives
            finally:
                self._has_started = False
                self._budget.begin()
                self._parts.processor.quiet()
                logger.info("server %s shuts down", self.id)

    async def _connected(self, stack: contextlib.AsyncExitStack) -> ServerResources:
        """Connect to Redis, and learn its time; *stack* closes all of it."""
        connector = await asyncio.to_thread(Connector.of, self._source)
        stack.callback(connector.close)
        runner = AsyncRunner(connector.open_async(), clock=self._clock)
        stack.push_async_callback(self._budget.close, runner.close)
        await runner.run(PING)
        await runner.measure_clock(patience_s=PATIENCE_S)
        return ServerResources(
            config=self.config,
            clock=self._clock,
            connector=connector,
            runner=runner,
            server_id=self.id,
            counters=self.counters,
            budget=self._budget,
        )

    def _close(self) -> None:
        self._status = "closed"
        logger.info("server %s is closed", self.id)


def _check_that_it_may_run() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        raise ServerStateError(
            "run() would block the running event loop; use `await server.serve(mux)`, "
            "as in `await app.server().serve(app.mux)`"
        )
    if threading.current_thread() is not threading.main_thread():
        raise ServerStateError(
            "run() handles signals, which only the main thread can; in another one use "
            "`asyncio.run(server.serve(mux))`, as in `asyncio.run(app.server().serve(app.mux))`"
        )


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's, when it is installed."""
    try:
        import uvloop  # noqa: PLC0415 - an optional extra
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
