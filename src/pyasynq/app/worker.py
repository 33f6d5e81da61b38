"""The worker of an App: a server and, beside it, a scheduler; both start and end together."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Self

from pyasynq.lifecycle.health import Health
from pyasynq.lifecycle.run_until_signal import check_that_it_may_run, run_until_signal
from pyasynq.lifecycle.to_its_end import to_its_end
from pyasynq.measurements.reading import Reading
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.server import Server

if TYPE_CHECKING:
    from pyasynq.scheduler.scheduler import Scheduler


class AppWorker:
    """Runs the tasks of an App, and enqueues its periodic ones; made by `App.worker`.

    Neither waits for the other at the start or at the stop, and if one ends by itself, both do.

    Attributes:
        server: runs the tasks.
        scheduler: enqueues the periodic tasks; None if there are none, or others do that.
    """

    def __init__(self, server: Server, mux: ServeMux, scheduler: "Scheduler | None") -> None:
        self.server: Server = server
        self.scheduler: Scheduler | None = scheduler
        self._mux = mux
        self._is_ending = False
        if scheduler is not None:
            mux.periodic_tasks = [(each.task.type, each.options) for each in scheduler.entries]

    @property
    def has_leftovers(self) -> bool:
        """Whether code of the user goes on that was asked to end."""
        return self.server.has_leftovers or (
            self.scheduler is not None and self.scheduler.has_leftovers
        )

    def run(self, *, on_loop: Callable[[], object] | None = None) -> None:
        """Work until SIGTERM or SIGINT, then shut down; blocks. See `Server.run`.

        Args:
            on_loop: called once on the loop, before anything starts.

        Raises:
            RedisUnavailableError: Redis did not answer at the start.
            ServerStateError: called in a running event loop, or not in the main thread.
        """
        check_that_it_may_run("worker.serve()", of_an_app="app.worker().serve()")
        run_until_signal(
            self.serve,
            on_signal={
                signal.SIGTERM: self.shutdown,
                signal.SIGINT: self.shutdown,
                signal.SIGTSTP: self.stop,
            },
            has_leftovers=lambda: self.has_leftovers,
            on_loop=on_loop,
        )

    async def serve(self) -> None:
        """Work until `shutdown` is called or the caller is cancelled; then shut down.

        Raises:
            ComponentCrashedError: a part of the server or the scheduler failed; the rest was shut
                down.
            RedisUnavailableError: Redis did not answer at the start.
        """
        if self.scheduler is None:
            await self.server.serve(self._mux)
            return
        serving = asyncio.create_task(self._serve(self.scheduler), name="pyasynq worker")
        await to_its_end(serving, self._end)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[Self]:
        """Work around a block, for tests and for embedding; shuts down at its end.

        Raises:
            ComponentCrashedError, RedisUnavailableError, ServerStateError: see `Server.running`.
        """
        async with self.server.running(self._mux), contextlib.AsyncExitStack() as stack:
            if self.scheduler is not None:
                await stack.enter_async_context(self.scheduler.running())
            yield self

    def health(self) -> Health:
        """Return how the server and the scheduler are; may be called in any thread.

        See `Server.health` and `Scheduler.health`.
        """
        found = self.server.health()
        return found if self.scheduler is None else found + self.scheduler.health()

    def readings(self) -> list[Reading]:
        """Return what the server and the scheduler have measured; may be called in any thread.

        See `Server.readings` and `Scheduler.readings`.
        """
        scheduled = [] if self.scheduler is None else self.scheduler.readings()
        return [*self.server.readings(), *scheduled]

    def stop(self) -> None:
        """Fetch nothing more; running handlers and the scheduler go on."""
        self.server.stop()

    def shutdown(self) -> None:
        """Make `serve` end; see `Server.shutdown`, also for what a second call does."""
        self._is_ending = True
        if self.scheduler is not None:
            self.scheduler.shutdown()
        self.server.shutdown()

    def _end(self) -> None:
        """Shut down, unless that was asked for; a second time would be a hurry."""
        if not self._is_ending:
            self.shutdown()

    async def _serve(self, scheduler: "Scheduler") -> None:
        self._is_ending = False
        both = [
            asyncio.create_task(self.server.serve(self._mux), name="pyasynq server of an App"),
            asyncio.create_task(scheduler.serve(), name="pyasynq scheduler of an App"),
        ]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        self._end()
        await asyncio.wait(both)
        for error in [each.exception() for each in both]:  # each is looked at, and the first raised
            if error is not None:
                raise error
