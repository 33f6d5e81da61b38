"""Test cases of Django with the App of the project: what is enqueued runs on demand.

from pyasynq.contrib.django.test import TestCase

class OrderTest(TestCase):
def test_an_order_is_confirmed(self):
self.client.post("/orders", {"item": "tea"})
self.harness.run_pending(raises=True)
self.assertTrue(Order.objects.get().is_confirmed)
"""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import django.test
from asgiref.sync import AsyncToSync, SyncToAsync, async_to_sync, sync_to_async
from typing_extensions import override

from pyasynq.app.handle import is_inside_loop
from pyasynq.contrib.django.project import project_app
from pyasynq.contrib.django.transactions import commit_of_test
from pyasynq.errors import ServerStateError
from pyasynq.task import TaskState
from pyasynq.worker.threads import MakeThreads, in_threads

if TYPE_CHECKING:
    from pyasynq.app.harness.enqueued import EnqueuedTask
    from pyasynq.app.harness.handled import HandledTask
    from pyasynq.contrib.django.application import App

LIMIT = 1000
"""How many attempts are made at most, unless a test says otherwise."""


class TasksHarness:
    """The harness of `App.testing` for tests that never commit; a context manager.

    What waits for the commit of a transaction is sent when the test looks at tasks or runs them,
    unless it was rolled back. All handlers use the connections of the test's thread, coroutine
    functions, too, and so they see what the test has stored. Everything else is as in `AppHarness`.

    Args:
        app: that of the project if None.
        given: as for `App.testing`.
    """

    def __init__(self, app: "App | None" = None, **given: Any) -> None:
        self._app = app or project_app()
        self._harness = self._app.testing(**given)

    def __enter__(self) -> Self:
        self._harness.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._harness.__exit__(kind, error, trace)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._harness, name)

    def commit(self) -> None:
        """Send what waits for the commit of a transaction that has ended.

        Other hooks of ``on_commit`` are left to ``captureOnCommitCallbacks``.
        """
        if is_inside_loop():  # the thread of the transactions waits for this coroutine
            executor = _executor_of_test() or SyncToAsync.single_thread_executor
            executor.submit(self._commit).result()
        else:
            self._commit()

    def _commit(self) -> None:
        while commit_of_test():
            pass

    def tasks(
        self, *, state: TaskState | str | None = None, queue: str | None = None
    ) -> "list[EnqueuedTask]":
        """Return the tasks that are enqueued; see `AppHarness`."""
        self.commit()
        return self._harness.tasks(state=state, queue=queue)

    def run_pending(self, *, limit: int = LIMIT, raises: bool = False) -> "list[HandledTask]":
        """Run every task that is due, and those that they enqueue; see `AppHarness`."""
        _refuse_inside_loop("run_pending")
        return async_to_sync(self._run_and_close)(limit, raises=raises, to_the_end=False)

    def run_all(self, *, limit: int = LIMIT, raises: bool = False) -> "list[HandledTask]":
        """Run every task, and move the clock to whatever is due next; see `AppHarness`."""
        _refuse_inside_loop("run_all")
        return async_to_sync(self._run_and_close)(limit, raises=raises, to_the_end=True)

    async def arun_pending(
        self, *, limit: int = LIMIT, raises: bool = False
    ) -> "list[HandledTask]":
        """Run every task that is due; see `AppHarness`."""
        return await self._run(limit, raises=raises, to_the_end=False)

    async def arun_all(self, *, limit: int = LIMIT, raises: bool = False) -> "list[HandledTask]":
        """Run every task, and move the clock on; see `AppHarness`."""
        return await self._run(limit, raises=raises, to_the_end=True)

    async def _run_and_close(self, limit: int, **how: bool) -> "list[HandledTask]":
        try:
            return await self._run(limit, **how)
        finally:
            await self._app.aclose()

    async def _run(self, limit: int, *, raises: bool, to_the_end: bool) -> "list[HandledTask]":
        """Run what is due until neither a task nor a hook is left."""
        handled: list[HandledTask] = []
        make_threads, commit = _threads_of_test(), sync_to_async(commit_of_test)
        await sync_to_async(self.commit)()
        while True:
            run: Coroutine[Any, Any, list[HandledTask]] = self._harness._run(  # noqa: SLF001 - made for it
                make_threads, limit, raises, to_the_end=to_the_end
            )
            handled += await run
            if not await commit():
                return handled


class ThreadOfTest(Executor):
    """Calls plain functions in the thread that waits for the running coroutine."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    @override
    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Call *fn* soon, in that thread."""
        return self._executor.submit(fn, *args, **kwargs)


def _threads_of_test() -> MakeThreads:
    """Return what makes threads for plain functions: there is one, that of a plain test."""
    executor = _executor_of_test()
    if executor is None:  # an async test that is not one of Django
        return in_threads
    thread = ThreadOfTest(executor)
    return lambda _size, _name: thread


def _executor_of_test() -> Executor | None:
    """Return what calls functions in the thread of a test of Django, which waits for this loop."""
    current: Executor | None = getattr(AsyncToSync.executors, "current", None)
    return current or AsyncToSync.loop_thread_executors.get(asyncio.get_running_loop())


def _refuse_inside_loop(name: str) -> None:
    if is_inside_loop():
        raise ServerStateError(f"{name}() would block the loop; use `await a{name}()`")


class TasksMixin:
    """Adds the harness to a test case of Django.

    Attributes:
        harness: around each test; see `TasksHarness`.
        tasks_app: the App; that of the project if None.
    """

    harness: TasksHarness
    tasks_app: "App | None" = None

    def setUp(self) -> None:
        """Enter the harness."""
        case: Any = self
        self.harness = case.enterContext(TasksHarness(self.tasks_app))
        super().setUp()  # type: ignore[misc]  # of the test case


class TestCase(TasksMixin, django.test.TestCase):
    """Each test is a transaction that is rolled back, as in Django, and has a harness."""


class TransactionTestCase(TasksMixin, django.test.TransactionTestCase):
    """Tests commit, as in Django, and have a harness."""
