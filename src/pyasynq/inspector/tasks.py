# Generated from tasks_async.py by tools/unasync.py: change that file.
"""Tasks: one by one."""

from pyasynq.broker import inspect, presence
from pyasynq.broker.runner import Runner
from pyasynq.clock import Clock
from pyasynq.errors import ConfigError, QueueNotFoundError, TaskNotFoundError
from pyasynq.inspector.infos import task_info
from pyasynq.options import name_fault
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
            [inspect.has_queue(queue, self._namespace), inspect.get_task(keys, task_id)]
        )
        for answer in (is_known, stored):
            if isinstance(answer, BaseException):
                raise answer
        if not is_known:
            raise QueueNotFoundError(queue)
        if stored is None:
            raise TaskNotFoundError(queue=queue, task_id=task_id)
        return task_info(queue, task_id, stored, self._clock.redis_now_ns())

    def cancel(self, task_id: str) -> int:
        """Ask the server that runs the task to cancel it.

        The task ends as failed, so it is retried or archived. Nothing happens if it does not
        run. Safe to repeat.

        Returns:
            How many servers heard it.
        """
        _check_id(task_id)
        return self._runner.run(presence.publish_cancel(task_id, namespace=self._namespace))


def _check_id(task_id: str) -> None:
    ConfigError.raise_if(fault for fault in [name_fault("task_id", task_id)] if fault)
