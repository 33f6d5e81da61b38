"""The tasks of one `enqueue_many`: what was refused, how far they are, what they returned."""

import inspect
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

from typing_extensions import override

from pyasynq.app.batch_progress import BatchCounts, BatchWaiting, TaskResult, result_of
from pyasynq.app.calls import NotEnqueued
from pyasynq.app.clients import Clients
from pyasynq.app.handle import TaskHandle, is_inside_loop
from pyasynq.app.waiting import pause
from pyasynq.errors import ResultNotKeptError, ServerStateError
from pyasynq.options import Duration
from pyasynq.task import TaskInfo

R = TypeVar("R")

RESULTS_AT_ONCE = 100  # results may be large


class Batch(Generic[R]):
    """Enqueued tasks, made by `TaskDefinition.enqueue_many`; R is what their function returns.

    It is a sequence of the handles of the tasks that were stored, in the order of the calls.
    Awaiting it waits for all of them, as `await_done` does without a timeout.
    """

    def __init__(
        self,
        items: Sequence[str | NotEnqueued],
        handle_of: Callable[[str], TaskHandle[R]],
        queue: str,
        clients: Clients,
        decode: Callable[[TaskInfo], Any],
        *,
        keeps_results: bool,
    ) -> None:
        self._items = items  # IDs in place of handles, of which many are never looked at
        self._handle_of = handle_of
        self._queue = queue
        self._ids = [each for each in items if isinstance(each, str)]
        self._clients = clients
        self._decode = decode
        self._keeps_results = keeps_results

    @cached_property
    def items(self) -> tuple[TaskHandle[R] | NotEnqueued, ...]:
        """For each call, in order, the handle of its task, or why it was not enqueued."""
        handles = iter(self.handles)
        return tuple(next(handles) if isinstance(each, str) else each for each in self._items)

    @cached_property
    def handles(self) -> Sequence[TaskHandle[R]]:
        """Handles on the tasks that were stored."""
        return tuple(map(self._handle_of, self._ids))

    @property
    def errors(self) -> Sequence[NotEnqueued]:
        """The calls that were not enqueued, each with its position, its arguments and the error."""
        return tuple(each for each in self._items if isinstance(each, NotEnqueued))

    def __len__(self) -> int:
        return len(self._ids)

    def __iter__(self) -> Iterator[TaskHandle[R]]:
        return iter(self.handles)

    def counts(self) -> BatchCounts:
        """Count the tasks by their states now; reads the state of each, 500 in a round trip."""
        return BatchCounts.of(self._clients.inspector().tasks.states(self._places()))

    async def acounts(self) -> BatchCounts:
        """Count the tasks by their states now; see `counts`."""
        inspector = await self._clients.async_inspector()
        return BatchCounts.of(await inspector.tasks.states(self._places()))

    def wait(
        self,
        timeout: Duration | None = None,
        *,
        progress: Callable[[BatchCounts], object] | None = None,
    ) -> BatchCounts:
        """Wait until every task has ended: completed, archived, or gone.

        The states of those that have not are read again and again, 500 in a round trip, with
        longer waits between: up to a second, and four times as long as the reading took.

        Args:
            timeout: for how long to wait; None for ever.
            progress: called with the counts at first, and whenever they have changed.

        Returns:
            The counts at the end; `archived` are those that have failed.

        Raises:
            BatchTimeoutError: not all have ended in time; they go on. It has the counts.
            ServerStateError: called inside a running event loop, which it would block; or inside
                a handler under `App.testing`, where it would never end.
        """
        self._refuse_inside_loop("wait", "await batch")
        return self._wait(timeout, progress)

    async def await_done(
        self,
        timeout: Duration | None = None,
        *,
        progress: Callable[[BatchCounts], object] | None = None,
    ) -> BatchCounts:
        """Wait until every task has ended; like `wait`, for async code.

        *progress* may be a coroutine function; the next look at the tasks waits for it.
        """
        return await self._await(timeout, progress)

    def __await__(self) -> Generator[Any, None, BatchCounts]:
        return self.await_done().__await__()

    def results(self, timeout: Duration | None = None) -> list[TaskResult[R]]:
        """Wait until every task has ended, and return what each function returned.

        The tasks must have a retention that is longer than the whole batch takes.

        Args:
            timeout: for how long to wait; None for ever.

        Returns:
            For each call, in order, the value or the error, which is never raised here: the one of
            `NotEnqueued`, a TaskFailedError, a ResultNotKeptError or a PayloadError.

        Raises:
            ResultNotKeptError: the tasks have no retention, so no result is kept.
            BatchTimeoutError, ServerStateError: see `wait`.
        """
        self._refuse_inside_loop("results", "await batch.aresults()")
        self._check_retention()
        self._wait(timeout, None)
        infos: list[TaskInfo | None] = []
        for places in self._chunks():
            infos += self._clients.inspector().tasks.get_many(places)
        return self._results_of(infos)

    async def aresults(self, timeout: Duration | None = None) -> list[TaskResult[R]]:
        """Wait until every task has ended, and return what each returned; see `results`."""
        self._check_retention()
        await self._await(timeout, None)
        infos: list[TaskInfo | None] = []
        for places in self._chunks():
            infos += await (await self._clients.async_inspector()).tasks.get_many(places)
        return self._results_of(infos)

    @override
    def __repr__(self) -> str:
        return f"<Batch of {len(self)} tasks, {len(self.errors)} not enqueued>"

    def _wait(
        self, timeout: Duration | None, progress: Callable[[BatchCounts], object] | None
    ) -> BatchCounts:
        waiting = BatchWaiting(self._places(), timeout, self._clients.clock)
        tasks = self._clients.inspector().tasks
        while True:
            has_changed = waiting.take(tasks.states(waiting.left))
            if progress is not None and has_changed:
                progress(waiting.counts)
            if waiting.is_over:
                return waiting.counts
            time.sleep(waiting.next_s())

    async def _await(
        self, timeout: Duration | None, progress: Callable[[BatchCounts], object] | None
    ) -> BatchCounts:
        waiting = BatchWaiting(self._places(), timeout, self._clients.clock)
        tasks = (await self._clients.async_inspector()).tasks
        while True:
            has_changed = waiting.take(await tasks.states(waiting.left))
            if progress is not None and has_changed:
                called = progress(waiting.counts)
                if inspect.isawaitable(called):
                    await called
            if waiting.is_over:
                return waiting.counts
            await pause(waiting.next_s())

    def _places(self) -> list[tuple[str, str]]:
        return [(self._queue, each) for each in self._ids]

    def _chunks(self) -> Iterator[list[tuple[str, str]]]:
        places = self._places()
        for first in range(0, len(places), RESULTS_AT_ONCE):
            yield places[first : first + RESULTS_AT_ONCE]

    def _results_of(self, infos: Sequence[TaskInfo | None]) -> list[TaskResult[R]]:
        found = iter(infos)
        return [
            TaskResult(error=each.error)
            if isinstance(each, NotEnqueued)
            else result_of(each, next(found), self._decode)
            for each in self.items
        ]

    def _check_retention(self) -> None:
        if self._ids and not self._keeps_results:
            reason = "its batch has no retention; write retention=600 to keep it for ten minutes"
            raise ResultNotKeptError(self._ids[0], reason=reason)

    def _refuse_inside_loop(self, name: str, instead: str) -> None:
        if is_inside_loop():
            raise ServerStateError(f"{name}() would block the event loop; use `{instead}`")
