"""The test harness of an App: a private Redis, a clock that stands still, tasks run on demand."""

import asyncio
import contextlib
import dataclasses
import time
from collections.abc import Callable, Coroutine
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, Unpack

import msgspec
from typing_extensions import override

from pyasynq.app.clients import Clients
from pyasynq.app.handle import is_inside_loop
from pyasynq.app.harness.caller_thread import CallerThread
from pyasynq.app.harness.clock import HarnessClock
from pyasynq.app.harness.eager import eager_kinds, inside_a_run
from pyasynq.app.harness.enqueued import EnqueuedTask
from pyasynq.app.harness.handled import HandledTask, raise_failures
from pyasynq.app.harness.on_demand import HarnessRedis, OnDemandServer, Tested
from pyasynq.app.harness.opening import opened_redis
from pyasynq.app.harness.wanted import AnyTask, Wanted, listing, matching, times_text
from pyasynq.app.registry import Registry
from pyasynq.errors import ServerStateError
from pyasynq.identifiers import ids_in_order
from pyasynq.options import OptionKeywords
from pyasynq.task import TaskState
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.handlers.lifespan import Lifespan
from pyasynq.worker.handlers.mux import ServeMux
from pyasynq.worker.threads import MakeThreads, in_threads

if TYPE_CHECKING:
    from pyasynq.scheduler.entry import Entry

LIMIT = 1000
"""How many attempts are made at most, unless a test says otherwise."""


class AppParts(msgspec.Struct, frozen=True, kw_only=True):
    """What a harness needs of an App.

    Attributes:
        entries: the periodic tasks.
    """

    clients: Clients
    config: ServerConfig
    make_mux: Callable[[], ServeMux]
    lifespan: Lifespan | None
    tasks: Registry
    entries: "tuple[Entry, ...]"


class AppHarness:
    """An App in a test; made by `App.testing`, and used as a context manager, plain or async.

    Inside, the App uses a private Redis that is empty at the start, and `clock`.

    Attributes:
        clock: stands still until it is advanced. What expires in the private Redis goes by it:
            unique locks, retentions, and every key with a time to live. Periodic tasks are
            enqueued when it comes to their ticks.
        url: of the private Redis, for a client of your own; empty outside of the block.
        handled: the attempts made so far, in the order in which they ended, also those of eager
            enqueues.
    """

    clock: HarnessClock
    url: str
    handled: list[HandledTask]

    def __init__(
        self,
        app: AppParts,
        *,
        eager: bool = False,
        raises: bool | None = None,
        now: datetime | None = None,
        state: Any = msgspec.UNSET,
        threads: bool | None = None,
        scheduler: bool = True,
    ) -> None:
        tasks = app.tasks
        self.clock = HarnessClock(now)
        self.url = ""
        self.handled = []
        self._clients = app.clients
        self._tested = Tested(
            # The order of the queues must not be left to chance.
            config=dataclasses.replace(app.config, concurrency=1, strict_priority=True),
            make_mux=app.make_mux,
            lifespan=app.lifespan,
            state=state,
            decode_result=lambda task_type, data: tasks.result_codec(task_type).decode(data),
        )
        self._tasks = tasks
        self._is_eager = eager
        self._raises = eager if raises is None else raises
        self._threads = threads
        self._periodic = app.entries if scheduler else ()
        self._redis: HarnessRedis | None = None
        self._stack = contextlib.ExitStack()

    def run_pending(self, *, limit: int = LIMIT, raises: bool | None = None) -> list[HandledTask]:
        """Run every task that is due, one after the other, and all the tasks that those enqueue.

        Queues of higher priority come first, those of the same priority by name, and the tasks
        of a queue in their order, so each run of a test is like the last one. Tasks that are due
        later wait until `clock` is advanced, and so do groups. Plain functions run in the thread
        of the test, unless `App.testing` was told otherwise.

        Args:
            limit: how many attempts to make at most, in case tasks enqueue tasks for ever.
            raises: raise what made handlers and aggregators fail, when all tasks that are due
                have run: the exception itself with its traceback, or an ExceptionGroup of several.
                RetryLater, RevokeTask and what `is_failure` does not count are no
                failures. If not given, as `App.testing` was told.

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

    def run_all(self, *, limit: int = LIMIT, raises: bool | None = None) -> list[HandledTask]:
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

    async def arun_pending(
        self, *, limit: int = LIMIT, raises: bool | None = None
    ) -> list[HandledTask]:
        """Run every task that is due; like `run_pending`, for async tests.

        Coroutine functions run on the loop of the test, plain ones in threads.

        Raises:
            ServerStateError: plain functions are to run in the thread of the test, where the
                loop is running; or called outside of the ``with`` block.
            PyasynqError, BaseException: as `run_pending`.
        """
        return await self._run(self._threads_of_a_loop(), limit, raises, to_the_end=False)

    async def arun_all(
        self, *, limit: int = LIMIT, raises: bool | None = None
    ) -> list[HandledTask]:
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
        return self._entered().tasks.read(state, queue)

    def enqueued(
        self, task: AnyTask | None = None, **options: Unpack[OptionKeywords]
    ) -> list[EnqueuedTask]:
        """Return what was enqueued so far in the block, as it was then, also what has run since.

        Tasks of every client count, and those of periodic tasks and aggregators. A task that was
        deleted before the harness looked, which it does here, when tasks run and when the clock
        moves, is not among them.

        Args:
            task: only calls like ``send_welcome.bind(42)``, whose arguments are compared with
                the defaults filled in; only calls of the task ``send_welcome``; or only tasks of
                a type.
            options: only tasks with these options, such as ``queue="mail"`` or ``process_in=60``.

        Returns:
            The tasks in the order in which they were first seen.

        Raises:
            ConfigError: *task* is something else, or an option is wrong or cannot be compared.
            ServerStateError: called outside of the ``with`` block.
        """
        log = self._entered().log.look()
        return matching(self._wanted(task, options), log)

    def assert_enqueued(
        self, task: AnyTask, *, times: int | None = None, **options: Unpack[OptionKeywords]
    ) -> None:
        """Check that a task was enqueued; if not, the error shows what was.

        Args:
            task: what it is; see `enqueued`.
            times: how often; if not given, at least once.
            options: with which options; see `enqueued`.

        Raises:
            AssertionError: it was not, or not that often.
            ConfigError, ServerStateError: see `enqueued`.
        """
        __tracebackhide__ = True  # pytest shows the line of the test
        wanted, log = self._wanted(task, options), self._entered().log.look()
        count = len(matching(wanted, log))
        if count == times or (times is None and count):
            return
        expected = (
            f"{wanted} was expected"
            if times is None
            else f"{wanted} was expected {times_text(times)}"
        )
        raise AssertionError(f"{expected} and enqueued {times_text(count)}; {listing(wanted, log)}")

    def assert_not_enqueued(self, task: AnyTask, **options: Unpack[OptionKeywords]) -> None:
        """Check that a task was not enqueued; see `assert_enqueued`."""
        __tracebackhide__ = True
        self.assert_enqueued(task, times=0, **options)

    def __enter__(self) -> Self:
        if self._redis is not None:
            raise ServerStateError("this harness is open already; each block needs its own")
        with contextlib.ExitStack() as stack:
            self._redis = self._opened(stack)
            self._stack = stack.pop_all()
        self.url = self._redis.url
        return self

    def _opened(self, stack: contextlib.ExitStack) -> HarnessRedis:
        """Open a Redis for the test, and let the App and the clock use it until *stack* closes."""
        stack.enter_context(ids_in_order())
        redis = opened_redis(
            stack,
            self.clock,
            config=self._tested.config,
            decode=self._tasks.arguments,
            periodic=self._periodic,
        )
        kinds = eager_kinds(self._run_eagerly, self._arun_eagerly) if self._is_eager else None
        stack.enter_context(self._clients.replaced(redis.url, self.clock, kinds, on_demand=True))
        return redis

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

    def _wanted(self, task: AnyTask | None, options: OptionKeywords) -> Wanted:
        return Wanted(task, options, self._tasks.arguments)

    def _run_eagerly(self) -> None:
        self.run_pending()

    async def _arun_eagerly(self) -> None:
        await self.arun_pending()

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
        self, make_threads: MakeThreads, limit: int, raises: bool | None, *, to_the_end: bool
    ) -> list[HandledTask]:
        raises = self._raises if raises is None else raises
        opened = OnDemandServer.opened(self._tested, self._entered(), make_threads, limit)
        async with opened as server:
            handled = server.recorder.handled
            try:
                with inside_a_run():
                    await self._run_on(server, raises=raises, to_the_end=to_the_end)
            finally:
                self.handled += handled
        if raises:
            raise_failures(handled, server.recorder.of_aggregators)
        return handled

    async def _run_on(self, server: OnDemandServer, *, raises: bool, to_the_end: bool) -> None:
        await server.run_due()
        while to_the_end and not (raises and server.recorder.has_failed):
            if not await server.move_on():
                break
            await server.run_due()

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
