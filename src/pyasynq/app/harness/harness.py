"""The test harness of an App: a private Redis, a clock that stands still, tasks run on demand."""

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import msgspec
from typing_extensions import override

from pyasynq.app.clients import Clients
from pyasynq.app.handle import is_inside_loop
from pyasynq.app.harness.caller_thread import CallerThread
from pyasynq.app.harness.clock import HarnessClock
from pyasynq.app.harness.enqueued import EnqueuedTask, EnqueuedTasks
from pyasynq.app.harness.expiry import Expiry
from pyasynq.app.harness.handled import HandledTask, raise_failures
from pyasynq.app.harness.on_demand import LOOK_AGAIN_S, HarnessRedis, OnDemandServer, Tested
from pyasynq.app.harness.private_redis import empty_redis
from pyasynq.app.registry import Registry
from pyasynq.broker.runners.runner import Runner
from pyasynq.connection.connector import Connector
from pyasynq.errors import ServerStateError
from pyasynq.task import TaskState
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.handlers.lifespan import Lifespan
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.threads import MakeThreads, in_threads

if TYPE_CHECKING:
    from pyasynq.app.harness.due_ticks import DueTicks
    from pyasynq.scheduler.entry import Entry

LIMIT = 1000
"""How many attempts are made at most, unless a test says otherwise."""


class AppHarness:
    """An App in a test; made by `App.testing`, and used as a context manager, plain or async.

    Inside, the App uses a private Redis that is empty at the start, and `clock`.

    Attributes:
        clock: stands still until it is advanced. What expires in the private Redis goes by it:
            unique locks, retentions, and every key with a time to live. Periodic tasks are
            enqueued when it comes to their ticks.
        url: of the private Redis, for a client of your own; empty outside of the block.
    """

    clock: HarnessClock

    def __init__(
        self,
        clients: Clients,
        config: ServerConfig,
        make_mux: Callable[[], ServeMux],
        lifespan: Lifespan | None,
        tasks: Registry,
        *,
        state: Any = msgspec.UNSET,
        threads: bool | None = None,
        periodic: "tuple[Entry, ...]" = (),
    ) -> None:
        self.clock = HarnessClock()
        self.url = ""
        self._clients = clients
        self._tested = Tested(
            config=dataclasses.replace(config, concurrency=1, task_check_interval=LOOK_AGAIN_S),
            make_mux=make_mux,
            lifespan=lifespan,
            state=state,
            decode_result=lambda task_type, data: tasks.result_codec(task_type).decode(data),
        )
        self._tasks = tasks
        self._threads = threads
        self._periodic = periodic
        self._redis: HarnessRedis | None = None
        self._stack = contextlib.ExitStack()

    def run_pending(self, *, limit: int = LIMIT, raises: bool = False) -> list[HandledTask]:
        """Run every task that is due, one after the other, and all the tasks that those enqueue.

        Tasks that are due later wait until `clock` is advanced, and so do groups. Plain functions
        run in the thread of the test, unless `App.testing` was told otherwise.

        Args:
            limit: how many attempts to make at most, in case tasks enqueue tasks for ever.
            raises: raise what made handlers fail, when all tasks that are due have run: the
                exception itself with its traceback, or an ExceptionGroup if several attempts
                failed. RetryLater, RevokeTask and what `is_failure` does not count are no
                failures.

        Returns:
            The attempts in the order in which they ended, with their results and errors.

        Raises:
            ServerStateError: called inside an event loop, where `arun_pending` is right; or
                outside of the ``with`` block.
            PyasynqError: *limit* was reached.
            BaseException: a handler raised something that is to end the test, such as a
                KeyboardInterrupt or what `pytest.fail` raises.
        """
        return self._in_a_loop(
            "run_pending", lambda threads: self._run(threads, limit, raises, to_the_end=False)
        )

    def run_all(self, *, limit: int = LIMIT, raises: bool = False) -> list[HandledTask]:
        """Run every task, and move `clock` to whatever is due next, until nothing is left.

        That are scheduled tasks, retries, whatever their delay, and groups. Paused queues, and
        groups without an aggregator, are left as they are.

        Args:
            limit: how many attempts to make, and how often to move the clock, at most.
            raises: raise what made handlers fail, as `run_pending` does, before the clock moves:
                a failed task is not retried then.

        Returns:
            The attempts in the order in which they ended.

        Raises:
            ServerStateError, PyasynqError, BaseException: as `run_pending`.
        """
        return self._in_a_loop(
            "run_all", lambda threads: self._run(threads, limit, raises, to_the_end=True)
        )

    async def arun_pending(self, *, limit: int = LIMIT, raises: bool = False) -> list[HandledTask]:
        """Run every task that is due; like `run_pending`, for async tests.

        Coroutine functions run on the loop of the test, plain ones in threads.

        Raises:
            ServerStateError: plain functions are to run in the thread of the test, where the
                loop is running; or called outside of the ``with`` block.
            PyasynqError, BaseException: as `run_pending`.
        """
        return await self._run(self._threads_of_a_loop(), limit, raises, to_the_end=False)

    async def arun_all(self, *, limit: int = LIMIT, raises: bool = False) -> list[HandledTask]:
        """Run every task, and move `clock` on; like `run_all`, for async tests.

        Raises:
            ServerStateError, PyasynqError, BaseException: as `arun_pending`.
        """
        return await self._run(self._threads_of_a_loop(), limit, raises, to_the_end=True)

    def tasks(
        self, *, state: TaskState | str | None = None, queue: str | None = None
    ) -> list[EnqueuedTask]:
        """Return the tasks that are in Redis, and run none: in plain and in async tests.

        Args:
            state: only the tasks in this state, such as "pending" or "scheduled".
            queue: only the tasks of this queue.

        Returns:
            The tasks by queue and state, and those that run first at first.

        Raises:
            ConfigError: there is no such state.
            ServerStateError: called outside of the ``with`` block.
        """
        redis = self._entered()
        redis.expiry.hold()
        enqueued = EnqueuedTasks(
            redis.client, redis.runner, self.clock, redis.expiry, self._tasks.arguments
        )
        return enqueued.read(state, queue)

    def __enter__(self) -> Self:
        from redis import Redis  # noqa: PLC0415 - importing this module stays cheap

        self.url = empty_redis()
        client = Redis.from_url(self.url, protocol=2)
        self._stack.callback(client.close)
        runner = Runner(Connector.of(self.url).open_sync(), clock=self.clock)
        self._stack.callback(runner.close)
        expiry = Expiry(client, runner, self.clock, self._tested.config)
        self._redis = HarnessRedis(
            url=self.url, clock=self.clock, client=client, runner=runner, expiry=expiry
        )
        self._stack.enter_context(self.clock.followed_by(expiry, self._ticks(runner)))
        self._stack.enter_context(self._clients.replaced(self.url, self.clock))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.url, self._redis = "", None
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
        self.__exit__(kind, error, trace)

    def _ticks(self, runner: Runner) -> "DueTicks | None":
        if not self._periodic:
            return None
        from pyasynq.app.harness.due_ticks import DueTicks  # noqa: PLC0415 - few Apps need it

        return DueTicks(self._periodic, runner, self.clock)

    def _in_a_loop(
        self, name: str, work: Callable[[MakeThreads], Coroutine[Any, Any, list[HandledTask]]]
    ) -> list[HandledTask]:
        """Do *work* on an event loop of its own in this thread."""
        self._entered()
        if is_inside_loop():
            raise ServerStateError(f"{name}() would block the loop; use `await a{name}()`")
        with asyncio.Runner(loop_factory=_RealTimeLoop) as runner:
            caller = CallerThread(runner.get_loop())
            make_threads = in_threads if self._threads else caller.for_all
            return caller.run(self._and_close(work(make_threads)))

    async def _and_close(self, work: Coroutine[Any, Any, list[HandledTask]]) -> list[HandledTask]:
        try:
            return await work
        finally:
            await self._clients.aclose()

    async def _run(
        self, make_threads: MakeThreads, limit: int, raises: bool, *, to_the_end: bool
    ) -> list[HandledTask]:
        opened = OnDemandServer.opened(self._tested, self._entered(), make_threads, limit)
        async with opened as server:
            handled = server.recorder.handled
            await server.run_due()
            while to_the_end and not (raises and any(each.is_failure for each in handled)):
                if not await server.move_on():
                    break
                await server.run_due()
        if raises:
            raise_failures(handled)
        return handled

    def _threads_of_a_loop(self) -> MakeThreads:
        if self._threads is False:
            raise ServerStateError(
                "plain functions cannot run in the thread of a running loop; leave out "
                "threads=False, or call run_pending() or run_all() in a plain test"
            )
        return in_threads

    def _entered(self) -> HarnessRedis:
        if self._redis is None:
            raise ServerStateError(
                "the harness has a Redis only in its block; write `with app.testing() as harness:` "
                "around it"
            )
        return self._redis


class _RealTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose timers run although a test has replaced the functions of `time`."""

    @override
    def time(self) -> float:
        return time.clock_gettime(time.CLOCK_MONOTONIC)
