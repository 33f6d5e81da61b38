"""Moves the tasks of an outbox to Redis: in one pass, or again and again beside a worker."""

import asyncio
import contextlib
import logging
import signal
import threading
from collections.abc import AsyncIterator
from functools import partial
from typing import Self

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util.concurrency import greenlet_spawn
from typing_extensions import override

from pyasynq.contrib.sqlalchemy.outbox import Outbox
from pyasynq.contrib.sqlalchemy.relay_pass import Moved, RelayPass
from pyasynq.errors import ConfigError, PyasynqError, ServerStateError
from pyasynq.lifecycle.backoff import Backoff
from pyasynq.lifecycle.run_until_signal import check_that_it_may_run, run_until_signal
from pyasynq.lifecycle.to_its_end import to_its_end
from pyasynq.options import Duration, duration_fault, to_seconds
from pyasynq.shown import LONGEST_ERROR, shown

BATCH_SIZE = 100
MOST_ROWS = 1000
POLL_INTERVAL = 1.0
KEPT_FOR = 3600.0
BACKOFF_S = 0.5, 30.0

logger = logging.getLogger("pyasynq.sqlalchemy")


class Relay:
    """Moves rows of an outbox to Redis, at least once each.

    Any number of relays may run on one outbox. Rows are moved in the order of their insertion; of
    several relays, each keeps this order in its batches. A row that cannot be moved is set aside
    with its error, and keeps no other from being moved.

    Args:
        outbox: whose rows are moved.
        engine: of the database; an AsyncEngine is used by `arun_once`, `serve` and `running`.
        batch_size: how many rows are moved at once, up to 1,000.
        poll_interval: how often an idle relay looks for rows. Those that this process inserts in
            a session wake it at once.
        kept_for: completed tasks are kept in Redis for so long at least, so that a row that is
            moved again, since a relay died before it could delete it, is recognised.

    Raises:
        ConfigError: names every setting that is wrong.
    """

    def __init__(
        self,
        outbox: Outbox,
        engine: Engine | AsyncEngine,
        *,
        batch_size: int = BATCH_SIZE,
        poll_interval: Duration = POLL_INTERVAL,
        kept_for: Duration = KEPT_FOR,
    ) -> None:
        faults = [
            duration_fault("poll_interval", poll_interval),
            duration_fault("kept_for", kept_for),
        ]
        if not isinstance(outbox, Outbox):
            faults.append(f"a relay needs an Outbox, not {type(outbox).__name__}")
        if not isinstance(engine, Engine | AsyncEngine):
            faults.append(f"a relay needs an Engine or an AsyncEngine, not {type(engine).__name__}")
        if type(batch_size) is not int or not 1 <= batch_size <= MOST_ROWS:
            faults.append(f"batch_size must be from 1 to {MOST_ROWS}, not {batch_size!r}")
        ConfigError.raise_if(faults)
        self._outbox = outbox
        self._is_async = isinstance(engine, AsyncEngine)
        self._poll_interval_s = to_seconds(poll_interval)
        self._pass = RelayPass(
            outbox,
            engine.sync_engine if isinstance(engine, AsyncEngine) else engine,
            batch_size=batch_size,
            kept_for_s=to_seconds(kept_for),
        )
        self._lock = threading.Lock()
        self._stop: asyncio.Event | None = None  # of `serve`

    def run_once(self) -> Moved:
        """Move one batch of rows; safe to repeat. For a periodic task, a test, or a loop of yours.

        Returns:
            How many rows were moved; `is_full` says that there may be more.

        Raises:
            RedisUnavailableError, IncompatibleRedisError: Redis did not take all; what it has
                taken is deleted, and the rest is left.
            SQLAlchemyError: the database did not answer, or has no such table.
            ConfigError: the engine is an AsyncEngine.
        """
        if self._is_async:
            raise ConfigError("this relay has an AsyncEngine; write `await relay.arun_once()`")
        with self._lock:
            return self._pass()

    async def arun_once(self) -> Moved:
        """Move one batch of rows; like `run_once`, for async code. An Engine runs in a thread."""
        if self._is_async:
            return await greenlet_spawn(self._pass)
        return await asyncio.to_thread(self.run_once)

    def run(self) -> None:
        """Move rows until SIGTERM or SIGINT; blocks.

        Raises:
            ServerStateError: called in a running event loop, or not in the main thread.
        """
        check_that_it_may_run("relay.serve()", of_an_app="Relay(outbox, engine).serve()")
        run_until_signal(
            self._serve_alone,
            on_signal={signal.SIGTERM: self.shutdown, signal.SIGINT: self.shutdown},
            has_leftovers=lambda: False,
        )

    async def serve(self) -> None:
        """Move rows until `shutdown` is called or the caller is cancelled.

        While the database or Redis is away it tries again, less and less often, up to every 30
        seconds; the log tells when that begins and when it is over.

        Raises:
            ServerStateError: it is running already.
        """
        self._check_that_it_is_idle()
        self._stop = asyncio.Event()
        logger.info("the relay of %s starts", self._outbox.table.fullname)
        try:
            moving = asyncio.create_task(self._move_until(self._stop), name="pyasynq relay")
            await to_its_end(moving, self.shutdown)
        finally:
            self._stop = None
            logger.info("the relay of %s has ended", self._outbox.table.fullname)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Move rows around a block, such as that of `App.lifespan`.

        Raises:
            ServerStateError: it is running already, and goes on.
        """
        self._check_that_it_is_idle()
        serving = asyncio.create_task(self.serve(), name="pyasynq relay around a block")
        try:
            await asyncio.sleep(0)  # until it has begun
            yield self
        finally:
            self.shutdown()
            await to_its_end(serving, self.shutdown)

    def shutdown(self) -> None:
        """Make `serve` end after the batch that it is at. Call it on its loop; safe to repeat."""
        if self._stop is not None:
            self._stop.set()

    def _check_that_it_is_idle(self) -> None:
        if self._stop is not None:
            raise ServerStateError("this relay is running already")

    async def _serve_alone(self) -> None:
        try:
            await self.serve()
        finally:
            await self._outbox.app.aclose()

    async def _move_until(self, stop: asyncio.Event) -> None:
        new_rows, backoff, has_failed = asyncio.Event(), Backoff(*BACKOFF_S), False
        with self._outbox.waking(partial(_set, asyncio.get_running_loop(), new_rows)):
            while not stop.is_set():
                new_rows.clear()
                try:
                    moved = await self.arun_once()
                except Exception as error:  # noqa: BLE001 - whatever it is, rows must not wait for ever
                    if not has_failed:
                        self._log_failure(error)
                    has_failed = True
                    await _until(stop, backoff.next_s())
                    continue
                if has_failed:
                    logger.info("the relay of %s goes on", self._outbox.table.fullname)
                    has_failed = False
                    backoff.reset()
                if not moved.is_full:
                    await _until(stop, self._poll_interval_s, new_rows)

    def _log_failure(self, error: Exception) -> None:
        if not isinstance(error, SQLAlchemyError | OSError | PyasynqError):
            name = self._outbox.table.fullname
            logger.error("the relay of %s failed; it tries again", name, exc_info=error)
            return
        logger.warning(
            "the relay of %s waits for %s: %s",
            self._outbox.table.fullname,
            "redis" if isinstance(error, PyasynqError) else "the database",
            shown(str(error), LONGEST_ERROR),
        )

    @override
    def __repr__(self) -> str:
        return f"<Relay of {self._outbox!r}>"


def _set(loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
    """Set *event* of *loop*, in any thread."""
    with contextlib.suppress(RuntimeError):  # a loop that has just been closed
        loop.call_soon_threadsafe(event.set)


async def _until(stop: asyncio.Event, seconds: float, *others: asyncio.Event) -> None:
    """Wait until one of the events is set, but no longer than *seconds*."""
    waiting = [asyncio.ensure_future(each.wait()) for each in (stop, *others)]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()
