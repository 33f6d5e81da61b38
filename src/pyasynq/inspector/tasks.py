# Generated from tasks_async.py by tools/unasync.py: change that file.
"""Tasks: one by one."""

from pyasynq.broker.operations import cancel, inspection
from pyasynq.broker.runners.runner import Runner
from pyasynq.clock import Clock
from pyasynq.errors import ConfigError, QueueNotFoundError, TaskNotFoundError
from pyasynq.inspector.infos import task_info
from pyasynq.options import CancelThen, cancel_fault, name_fault
from pyasynq.task import TaskInfo
from pyasynq.wire.keys import queue_keys


class Tasks:
    """The tasks of one Redis."""

    def __init__(self, runner: Runner, clock: Clock, namespace: str) -> None:
        self._runner = runner
        self._clock = clock
        self._namespace = namespace

    def get(self, queue: str, task_id: str) -> TaskInfo:
        """Return one task.

        Raises:
            QueueNotFoundError: there is no such queue.
            TaskNotFoundError: it is not there (any more).
            PayloadError: it is there, but its message cannot be read.
        """
        _check_id(task_id)
        keys = queue_keys(queue, self._namespace)
        is_known, stored = self._runner.run_all(
            [inspection.has_queue(queue, self._namespace), inspection.get_task(keys, task_id)]
        )
        for answer in (is_known, stored):
            if isinstance(answer, BaseException):
                raise answer
        if not is_known:
            raise QueueNotFoundError(queue)
        if stored is None:
            raise TaskNotFoundError(queue=queue, task_id=task_id)
        return task_info(queue, task_id, stored, self._clock.redis_now_ns())

    def cancel(self, task_id: str, *, then: CancelThen = "retry", queue: str | None = None) -> int:
        """Ask the server that runs the task to cancel it, and say what becomes of it then.

        Nothing happens if it does not run. The last call before the handler has ended counts.
        Safe to repeat.

        Args:
            then: "retry": it counts as failed, so it is retried, or archived if its retries are
                used up. "archive": it is archived. "drop": it is deleted, with its lock. Servers
                in Go know only "retry".
            queue: where the task is; every queue is looked at if not given. A server cancels
                whatever it runs by this ID, but only a task of this queue gets the wish.

        Returns:
            How many servers heard it, whether the task is theirs or not.

        Raises:
            ConfigError: the ID is blank, or *then* is none of the three.
        """
        _check_id(task_id)
        ConfigError.raise_if([cancel_fault(then)])
        queues = [queue] if queue is not None else self._queues()
        marks = [
            cancel.mark_cancel(queue_keys(each, self._namespace), task_id, then) for each in queues
        ]
        # Before it is announced: a server reads the wish as soon as the handler has ended.
        for answer in self._runner.run_all(marks):
            if isinstance(answer, BaseException):
                raise answer
        return self._runner.run(cancel.publish_cancel(task_id, namespace=self._namespace))

    def _queues(self) -> list[str]:
        """Return the names of all queues that keys can be made of."""
        names = self._runner.run(inspection.list_queues(self._namespace))
        return [name for name in names if name_fault("queue", name) is None]


def _check_id(task_id: str) -> None:
    ConfigError.raise_if([name_fault("task_id", task_id)])
