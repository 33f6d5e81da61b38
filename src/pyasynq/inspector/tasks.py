# Generated from tasks_async.py by tools/unasync.py: change that file.
"""Tasks: one by one."""

from pyasynq.broker.operations import cancel, inspection
from pyasynq.errors import ConfigError, QueueNotFoundError, TaskNotFoundError, raise_first
from pyasynq.inspector.calls import Calls
from pyasynq.inspector.infos import task_info
from pyasynq.options import CancelThen, cancel_fault, name_fault
from pyasynq.task import TaskInfo


class Tasks:
    """The tasks of one Redis."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def get(self, queue: str, task_id: str) -> TaskInfo:
        """Return one task.

        Raises:
            QueueNotFoundError: there is no such queue; tells if queue and ID seem to be swapped.
            TaskNotFoundError: the queue has no such task, or no longer.
            PayloadError: the task exists, but its message cannot be read.
        """
        _check_id(task_id)
        operation = inspection.get_task(self._calls.keys_of(queue), task_id)
        try:
            stored = self._calls.run_on(queue, operation)
        except QueueNotFoundError:
            if self._calls.run(inspection.has_queue(task_id, self._calls.namespace)):
                raise QueueNotFoundError(queue, swapped_with=task_id) from None
            raise
        if stored is None:
            raise TaskNotFoundError(queue=queue, task_id=task_id)
        return task_info(queue, task_id, stored, self._calls.clock.redis_now_ns())

    def cancel(self, task_id: str, *, then: CancelThen = "retry", queue: str | None = None) -> int:
        """Ask the server that runs the task to cancel it, and choose what becomes of the task.

        Nothing happens if the task is not running. The last call before the handler has ended
        counts. Safe to repeat.

        Args:
            then: "retry": the attempt counts as failed, so the task is retried, or archived if
                its retries are used up. "archive": the task is archived. "drop": it is deleted,
                with its lock. Servers in Go know only "retry".
            queue: the queue of the task; every queue is searched if not given. A server cancels
                any task that it runs under this ID, but *then* applies to a task of this queue
                only.

        Returns:
            How many servers received the request, whether they run the task or not.

        Raises:
            ConfigError: the ID is blank, or *then* is not one of the three.
        """
        _check_id(task_id)
        ConfigError.raise_if([cancel_fault(then)])
        queues = [queue] if queue is not None else self._queues()
        marks = [cancel.mark_cancel(self._calls.keys_of(each), task_id, then) for each in queues]
        # Before the request is published: a server reads what to do once the handler has ended.
        raise_first(self._calls.run_all(marks))
        request = cancel.publish_cancel(task_id, namespace=self._calls.namespace)
        return self._calls.run(request)

    def _queues(self) -> list[str]:
        """Return the names of all queues that keys can be made of."""
        names = self._calls.run(inspection.list_queues(self._calls.namespace))
        return [name for name in names if name_fault("queue", name) is None]


def _check_id(task_id: str) -> None:
    ConfigError.raise_if([name_fault("task_id", task_id)])
