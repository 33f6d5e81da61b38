"""The test harness of an App: a private Redis, a clock that stands still, tasks run on demand."""

import asyncio
import atexit
import contextlib
import dataclasses
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from typing_extensions import override

from pyasynq.app.clients import Clients
from pyasynq.app.waiting import pause
from pyasynq.broker.operations import inspection
from pyasynq.broker.runners.runner_async import AsyncRunner
from pyasynq.clock import FakeClock
from pyasynq.connection.connector import Connector
from pyasynq.connection.embedded.server import EmbeddedServer
from pyasynq.errors import PyasynqError, ServerStateError, raise_first
from pyasynq.lifecycle.component import running
from pyasynq.wire.keys import queue_keys
from pyasynq.worker.assembly import Parts, assemble
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.handlers.context import TaskContext
from pyasynq.worker.handlers.lifespan import Lifespan
from pyasynq.worker.handlers.middleware import CallNext
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.resources import ServerResources

LOOK_AGAIN_S = 0.002


@dataclass(frozen=True, slots=True, kw_only=True)
class HandledTask:
    """An attempt that `run_pending` has made.

    Attributes:
        attempt: from 1.
        result: what the handler returned, as it is stored; None if nothing is kept.
        error: what the handler raised; None if it returned.
    """

    id: str
    type: str
    queue: str
    attempt: int
    result: Any = None
    error: BaseException | None = None


class AppHarness:
    """An App in a test; made by `App.testing`, and used as a context manager, plain or async.

    Inside, the App uses a private Redis that is empty at the start, and `clock`.

    Attributes:
        clock: stands still until it is advanced.
        url: of the private Redis, for a client of your own; empty outside of the block.
    """

    def __init__(
        self,
        clients: Clients,
        config: ServerConfig,
        make_mux: Callable[[], ServeMux],
        lifespan: Lifespan | None,
    ) -> None:
        self.clock = FakeClock()
        self.url = ""
        self._clients = clients
        self._config = dataclasses.replace(config, concurrency=1, task_check_interval=LOOK_AGAIN_S)
        self._make_mux = make_mux
        self._lifespan = lifespan
        self._stack = contextlib.ExitStack()

    def run_pending(self, *, limit: int = 1000) -> list[HandledTask]:
        """Run every task that is due, one after the other, and all the tasks that those enqueue.

        Tasks that are due later wait until `clock` is advanced, and so do groups.

        Args:
            limit: how many attempts to make at most, in case tasks enqueue tasks for ever.

        Returns:
            The attempts in their order; what handlers raised is in them, not raised here.

        Raises:
            ServerStateError: called inside an event loop, where `arun_pending` is right; or
                outside of the ``with`` block.
            PyasynqError: *limit* was reached.
        """
        self._check_that_it_is_entered()
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            with asyncio.Runner(loop_factory=_RealTimeLoop) as runner:
                return runner.run(self._run_and_close(limit))
        raise ServerStateError("run_pending() would block the loop; use `await arun_pending()`")

    async def arun_pending(self, *, limit: int = 1000) -> list[HandledTask]:
        """Run every task that is due; like `run_pending`, for async tests."""
        self._check_that_it_is_entered()
        handled: list[HandledTask] = []
        async with contextlib.AsyncExitStack() as stack:
            connector = Connector.of(self.url)
            stack.callback(connector.close)
            runner = AsyncRunner(connector.open_async(), clock=self.clock)
            stack.push_async_callback(runner.close)
            state = self._config.base_state
            if self._lifespan is not None:
                state = await stack.enter_async_context(self._lifespan())
            parts = self._assemble(connector, runner, handled, state)
            stack.push_async_callback(parts.executor.close)
            notifiers = [] if parts.notifier is None else [parts.notifier]
            await stack.enter_async_context(running([*notifiers, parts.finisher, parts.processor]))
            while await self._pass(parts, runner, handled, limit):
                pass
        return handled

    def __enter__(self) -> Self:
        self.url = empty_redis()
        self._stack.enter_context(self._clients.replaced(self.url, self.clock))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.url = ""
        self._stack.close()

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._clients.aclose()
        self.url = ""
        self._stack.close()

    async def _run_and_close(self, limit: int) -> list[HandledTask]:
        try:
            return await self.arun_pending(limit=limit)
        finally:
            await self._clients.aclose()

    def _check_that_it_is_entered(self) -> None:
        if not self.url:
            raise ServerStateError(
                "the harness has a Redis only in its block; write `with app.testing() as harness:` "
                "around it"
            )

    def _assemble(
        self, connector: Connector, runner: AsyncRunner, handled: list[HandledTask], state: object
    ) -> Parts:
        mux = self._make_mux()
        mux.middlewares.insert(0, _recorder(handled))
        resources = ServerResources(
            config=self._config,
            clock=self.clock,
            connector=connector,
            runner=runner,
            server_id="testing",
            is_only_slot=True,
        )
        return assemble(mux, resources, state=state, status=lambda: "active")

    async def _pass(
        self, parts: Parts, runner: AsyncRunner, handled: list[HandledTask], limit: int
    ) -> bool:
        """Run the tasks that are due; return whether there were any."""
        before = len(handled)
        moved = await parts.forwarder.forward()
        made = 0 if parts.aggregator is None else await parts.aggregator.aggregate()
        while not await self._is_idle(parts, runner):
            if len(handled) > limit:
                raise PyasynqError(f"after {limit} attempts there are still tasks to run")
            await pause(LOOK_AGAIN_S)
        return moved + made + len(handled) - before > 0

    async def _is_idle(self, parts: Parts, runner: AsyncRunner) -> bool:
        operations = [
            inspection.queue_stats(queue_keys(queue), now_ns=self.clock.now_ns())
            for queue in self._config.queues
        ]
        found = await runner.run_all(operations)
        raise_first(found)
        for stats in found:
            # A task whose dequeue is not answered yet is active, but not held.
            if stats.active or (stats.pending and not stats.is_paused):
                return False
        return not parts.held


class _RealTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose timers run although a test has replaced the functions of `time`."""

    @override
    def time(self) -> float:
        return time.clock_gettime(time.CLOCK_MONOTONIC)


def _recorder(handled: list[HandledTask]) -> Any:
    async def record(context: TaskContext, call_next: CallNext) -> Any:
        result, error = None, None
        try:
            result = await call_next(context)
        except BaseException as raised:
            error = raised
            raise
        finally:
            handled.append(
                HandledTask(
                    id=context.task_id,
                    type=context.task_type,
                    queue=context.queue,
                    attempt=context.attempt,
                    result=result,
                    error=error,
                )
            )
        return result

    return record


def empty_redis() -> str:
    """Return the URL of the private Redis of this process, emptied; it starts on first use."""
    import redis  # noqa: PLC0415 - importing this module stays cheap

    if not _private:
        folder = tempfile.TemporaryDirectory(prefix="pyasynq-testing-")
        server = EmbeddedServer.acquire(directory=Path(folder.name))
        atexit.register(folder.cleanup)
        atexit.register(server.release)
        _private.append(server)
    url = f"unix://{_private[0].socket_path}?db=0"
    with contextlib.closing(redis.Redis.from_url(url, protocol=2)) as client:
        client.flushall()
    return url


_private: list[EmbeddedServer] = []
