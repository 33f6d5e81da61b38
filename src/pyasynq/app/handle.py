"""A handle on an enqueued task."""

from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pyasynq.app.clients import Clients
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

    def info(self) -> TaskInfo:
        """Return the task as it stands in Redis now.

        Raises:
            TaskNotFoundError: it is gone: done without a retention, or deleted.
            QueueNotFoundError: its queue is gone, too.
        """
        return self._clients.inspector().tasks.get(self.queue, self.id)

    async def ainfo(self) -> TaskInfo:
        """Return the task as it stands in Redis now. As `info`."""
        inspector = await self._clients.async_inspector()
        return await inspector.tasks.get(self.queue, self.id)

    def cancel(self) -> int:
        """Ask the server that runs the task to cancel it; it then counts as failed.

        Nothing happens if it does not run. Safe to repeat.

        Returns:
            How many servers heard it, whether the task is theirs or not.
        """
        return self._clients.inspector().tasks.cancel(self.id)

    async def acancel(self) -> int:
        """Ask the server that runs the task to cancel it. As `cancel`."""
        inspector = await self._clients.async_inspector()
        return await inspector.tasks.cancel(self.id)
