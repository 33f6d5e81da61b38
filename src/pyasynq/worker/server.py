"""A server: the components of a worker process, their order, and the ways to run them."""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any, NoReturn, Self
from uuid import uuid4

from pyasynq.broker import finish
from pyasynq.broker.runner_async import AsyncRunner
from pyasynq.clock import Clock, SystemClock
from pyasynq.connection.connect import ConnectionSource, Connector
from pyasynq.errors import ConfigError, ServerStateError, TaskNotFoundError
from pyasynq.lifecycle import Component, Running, running
from pyasynq.options import to_seconds
from pyasynq.wire.keys import queue_keys
from pyasynq.worker.aggregation import Aggregation, Aggregations
from pyasynq.worker.aggregator import Aggregator
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.context import Scope
from pyasynq.worker.executor import Executor
from pyasynq.worker.finisher import Finisher
from pyasynq.worker.forwarder import Forwarder
from pyasynq.worker.healthchecker import PING, Healthchecker
from pyasynq.worker.heartbeater import Heartbeater, Identity
from pyasynq.worker.janitor import Janitor
from pyasynq.worker.lease import Ending, Held, RunningTask
from pyasynq.worker.mux import ServeMux
from pyasynq.worker.processor import Processor
from pyasynq.worker.recoverer import Recoverer
from pyasynq.worker.subscriber import Subscriber
from pyasynq.worker.wake_up import WakeUp

logger = logging.getLogger("pyasynq.server")

Lifespan = Callable[[], AbstractAsyncContextManager[Any]]


@dataclass(frozen=True, slots=True)
class Parts:
    """The assembled parts of a running server.

    Attributes:
        components: in the order of their start; the reverse is the order of their stop.
    """

    components: tuple[Component, ...]
    processor: Processor
    executor: Executor


class Server:
    """Runs the handlers of a ServeMux for the tasks of some queues.

    Args:
        source: where Redis is: a URL, ConnectionOptions, or a redis-py client of yours.
        config: the settings; defaults if not given.
        clock: the time; the machine's if not given.
        lifespan: an async context manager around the work; what it yields is `ctx.state`.

    A server runs once: new → active → closed.
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
        self._source = source
        self._clock = clock or SystemClock()
        self._lifespan = lifespan
        self._status = "new"
        self._parts: Parts | None = None
        self._shutdown: asyncio.Event | None = None

    @property
    def status(self) -> str:
        """One of "new", "active", "stopped" (it fetches nothing more) and "closed"."""
        return self._status

    def run(self, mux: ServeMux) -> None:
        """Serve until SIGTERM or SIGINT, then shut down; blocks.

        A second signal does not wait for running handlers, whose tasks go back to their
        queues. SIGTSTP only ends the fetching. uvloop is used when it is installed.

        Raises:
            RedisUnavailableError: Redis did not answer at the start.
        """
        with asyncio.Runner(loop_factory=_loop_factory()) as loop_runner:
            loop_runner.run(self._serve_until_signal(mux))

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
        """Fetch nothing more; running handlers, heartbeats and the rest go on."""
        if self._status == "active" and self._parts is not None:
            self._status = "stopped"
            self._parts.processor.quiet()

    def shutdown(self) -> None:
        """Make `serve` end: wait for handlers, requeue what takes too long, deregister.

        Call it on the loop of the server. A second call does not wait for handlers.
        """
        if self._shutdown is None or self._parts is None:
            return
        if self._shutdown.is_set():
            self._parts.processor.hurry()
        self._shutdown.set()

    async def _serve_until_signal(self, mux: ServeMux) -> None:
        loop = asyncio.get_running_loop()
        for number, react in (
            (signal.SIGTERM, self.shutdown),
            (signal.SIGINT, self.shutdown),
            (signal.SIGTSTP, self.stop),
        ):
            loop.add_signal_handler(number, react)
        try:
            await self.serve(mux)
        except Exception:
            if self._parts is not None and self._parts.executor.is_stuck:
                logger.exception("the server failed")
                _exit_now(1)
            raise
        if self._parts is not None and self._parts.executor.is_stuck:
            _exit_now(0)

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
            connector = await asyncio.to_thread(Connector.of, self._source)
            stack.callback(connector.close)
            runner = AsyncRunner(connector.open_async(), clock=self._clock)
            stack.push_async_callback(runner.close)
            await runner.run(PING)
            await runner.measure_clock()
            state = self.config.base_state
            if self._lifespan is not None:
                state = await stack.enter_async_context(self._lifespan())
            self._parts = self._assemble(mux, connector, runner, state)
            stack.callback(self._parts.executor.close)
            lives = await stack.enter_async_context(running(self._parts.components))
            logger.info(
                "server %s serves %s with concurrency %d on %s",
                self.id,
                ", ".join(f"{queue}={weight}" for queue, weight in self.config.queues.items()),
                self.config.concurrency,
                connector.description,
            )
            yield lives
            logger.info("server %s shuts down", self.id)

    def _close(self) -> None:
        self._status = "closed"
        logger.info("server %s is closed", self.id)

    def _assemble(
        self, mux: ServeMux, connector: Connector, runner: AsyncRunner, state: object
    ) -> Parts:
        """Make the components and tie them together."""
        config, clock, random = self.config, self._clock, Random()  # noqa: S311 - jitter
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
        )
        finisher = Finisher(
            runner, config, clock, held, on_written=changed.set, on_retry=forwarder.expect
        )
        executor = Executor(
            mux,
            config,
            Scope(
                server_id=self.id,
                clock=clock,
                loop=asyncio.get_running_loop(),
                write_result=_result_writer(runner),
                state=state,
            ),
            settle=finisher.settle,
            release=changed.set,
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
            server_id=self.id,
            owners=_owners(),
            random=random,
            changed=changed,
        )

        def end_all(tasks: list[RunningTask]) -> None:
            for each in tasks:
                executor.end(each, Ending.LEASE_LOST)

        def cancel(task_id: str) -> None:
            for each in list(executor.running):
                if each.leased.task_id == task_id:
                    executor.end(each, Ending.CANCELED)

        components: list[Component] = [
            Heartbeater(
                connector,
                config,
                clock,
                Identity.of_this_process(self.id, clock.now_ns()),
                held,
                status=lambda: self._status,
                on_lost=end_all,
            ),
            Subscriber(connector, on_cancel=cancel, on_due=forwarder.expect),
            Recoverer(runner, config, clock, keys, held),
            forwarder,
            Janitor(runner, config, clock, keys),
            finisher,
            processor,
        ]
        if aggregations := _aggregations(mux, config):
            components.append(
                Aggregator(
                    runner,
                    config,
                    clock,
                    keys,
                    aggregations,
                    on_pending=changed.set,
                    on_due=forwarder.expect,
                )
            )
        if config.health_check is not None:
            interval_s = to_seconds(config.health_check_interval)
            components.insert(1, Healthchecker(runner, config.health_check, interval_s=interval_s))
        return Parts(tuple(components), processor, executor)


def _aggregations(mux: ServeMux, config: ServerConfig) -> Aggregations:
    """Return the aggregators of the mux, and the server's own for the rest."""
    found = Aggregations()
    for each in mux.aggregations.all():
        found.add(each)
    if config.group_aggregator is not None and found.find("*") is None:
        found.add(Aggregation(pattern="*", function=config.group_aggregator))
    return found


def _exit_now(code: int) -> NoReturn:
    """End the process; the loop and the interpreter would wait for handlers that never end."""
    logger.warning("handlers do not end although they were told to; exiting without them")
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _owners() -> Callable[[], str]:
    """Return a function that makes owner tokens, each unique in all of Redis."""
    prefix, numbers = uuid4().hex, count()
    return lambda: f"{prefix}:{next(numbers):x}"


def _result_writer(runner: AsyncRunner) -> Callable[..., Any]:
    async def write(each: RunningTask, result: bytes) -> None:
        if not isinstance(result, bytes):
            raise ConfigError(f"a result must be bytes, not {type(result).__name__}")
        task_id = each.leased.task_id
        is_ours = await runner.run(finish.write_result(each.keys, task_id, each.owner, result))
        if not is_ours:
            raise TaskNotFoundError(queue=each.keys.queue, task_id=task_id)
        each.written_result = result

    return write


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's, when it is installed."""
    try:
        import uvloop  # noqa: PLC0415 - an optional extra
    except ImportError:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
