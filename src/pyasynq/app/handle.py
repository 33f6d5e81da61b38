"""A handle on an enqueued task."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from pyasynq.app.advice import ATTRIBUTES_OF_A_HANDLE, no_attribute
from pyasynq.app.clients import Clients
from pyasynq.app.waiting import Waiting, pause
from pyasynq.errors import (
    NotFoundError,
    PyasynqError,
    QueueNotFoundError,
    ResultNotKeptError,
    ServerStateError,
)
from pyasynq.options import CancelThen, Duration
from pyasynq.task import TaskInfo

R = TypeVar("R")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskHandle(Generic[R]):
    """An enqueued task; R is what its function returns.

    Attributes:
        id: unique in the queue.
        queue: the queue.
    """

    id: str
    queue: str
    _clients: Clients = field(repr=False, compare=False)
    _decode: Callable[[TaskInfo], Any] = field(repr=False, compare=False)

    if not TYPE_CHECKING:  # type checkers shall find what does not exist

        def __getattr__(self, name: str) -> Any:
            raise no_attribute(self, "a handle", name, ATTRIBUTES_OF_A_HANDLE)

    def info(self) -> TaskInfo:
        """Return the task as it stands in Redis now.

        Raises:
            TaskNotFoundError: it no longer exists: done without a retention, or deleted.
            QueueNotFoundError: its queue does not exist either.
        """
        return self._clients.inspector().tasks.get(self.queue, self.id)

    async def ainfo(self) -> TaskInfo:
        """Return the task as it stands in Redis now; see `info`."""
        inspector = await self._clients.async_inspector()
        return await inspector.tasks.get(self.queue, self.id)

    def result(self, timeout: Duration | None = None) -> R:
        """Wait until the task is done and return what its function returned.

        The task must have a retention, which keeps the result. What a handler writes meanwhile
        with `TaskContext.write_result` is in `info().result`. A handler that waits keeps its slot
        taken, and nothing runs once every slot waits, so that is a RuntimeWarning.

        Args:
            timeout: for how long to wait; None for ever.

        Raises:
            TaskFailedError: the task is archived; has its last error.
            ResultNotKeptError: the task no longer exists: done without a retention, or deleted; or
                its result could not be stored; or the task has no retention.
            QueueNotFoundError: queue and ID of the handle seem to be swapped.
            ResultTimeoutError: the task is not done in time; it goes on.
            PayloadError: the result does not fit the return annotation of the function.
            ServerStateError: called inside a running event loop, which it would block, perhaps
                together with the worker that runs the task; use `aresult`. Or called inside a
                handler, for the task of the handler itself or under `App.testing`, where the
                task it waits for could never run.
        """
        if _is_inside_loop():
            raise ServerStateError("result() would block the event loop; use `await aresult(...)`")
        waiting = Waiting(self.id, timeout, self._clients.clock)
        tasks = self._clients.inspector().tasks
        while True:
            try:
                info = tasks.get(self.queue, self.id)
            except NotFoundError as error:
                raise _not_kept(self.id, error) from None
            if waiting.is_over(info):
                return cast("R", self._decode(info))
            waiting.check_that_it_may_end(self.queue)
            time.sleep(waiting.next_s())

    async def aresult(self, timeout: Duration | None = None) -> R:
        """Wait until the task is done and return what its function returned; see `result`."""
        waiting = Waiting(self.id, timeout, self._clients.clock)
        tasks = (await self._clients.async_inspector()).tasks
        while True:
            try:
                info = await tasks.get(self.queue, self.id)
            except NotFoundError as error:
                raise _not_kept(self.id, error) from None
            if waiting.is_over(info):
                return cast("R", self._decode(info))
            waiting.check_that_it_may_end(self.queue)
            await pause(waiting.next_s())

    def cancel(self, *, then: CancelThen = "retry") -> int:
        """Ask the server that runs the task to cancel it.

        Nothing happens if the task is not running. Safe to repeat.

        Args:
            then: what becomes of it: "retry": the attempt counts as failed; "archive": the task
                is archived; "drop": it is deleted. Servers in Go know only "retry".

        Returns:
            How many servers received the request, whether they run the task or not.
        """
        return self._clients.inspector().tasks.cancel(self.id, then=then, queue=self.queue)

    async def acancel(self, *, then: CancelThen = "retry") -> int:
        """Ask the server that runs the task to cancel it; see `cancel`."""
        inspector = await self._clients.async_inspector()
        return await inspector.tasks.cancel(self.id, then=then, queue=self.queue)


def _not_kept(task_id: str, error: NotFoundError) -> PyasynqError:
    """Return why there is no result of a task that was not found."""
    if isinstance(error, QueueNotFoundError) and error.swapped_with:
        return error
    return ResultNotKeptError(task_id)


def _is_inside_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
