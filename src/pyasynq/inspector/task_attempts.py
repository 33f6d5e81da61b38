# Generated from task_attempts_async.py by tools/unasync.py: change that file.
"""The last attempts to run a task, as workers with a `TaskHistory` keep them.

What reads them is loaded when it is asked for, since most inspectors never do.
"""

from typing import TYPE_CHECKING

from pyasynq.answers import raise_first
from pyasynq.broker.operations import inspection
from pyasynq.errors import ConfigError, QueueNotFoundError
from pyasynq.inspector.calls import Calls
from pyasynq.options import name_fault
from pyasynq.task import TaskState

if TYPE_CHECKING:
    from pyasynq.inspector.attempts import Attempt


class TaskAttempts:
    """The method of `inspector.tasks` that reads what workers have kept."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def attempts(self, queue: str, task_id: str) -> "tuple[Attempt, ...]":
        """Return the last attempts to run a task, the latest first.

        Only workers with a `TaskHistory` keep them, and write them about once a second. They stay
        for a while when the task is done or deleted. It reads in one round trip and changes
        nothing.

        Args:
            queue: the queue.
            task_id: the task; one that does not exist, or no longer, is no error.

        Returns:
            What is kept; nothing if no worker has kept anything.

        Raises:
            ConfigError: a name is blank or is not text.
            QueueNotFoundError: there is no such queue.
        """
        from pyasynq.broker.operations import attempts  # noqa: PLC0415
        from pyasynq.inspector.attempts import attempts_of  # noqa: PLC0415

        ConfigError.raise_if([name_fault("task_id", task_id)])
        keys = self._calls.keys_of(queue)
        known, state, records = answers = self._calls.run_all(
            [
                inspection.has_queue(queue, self._calls.namespace),
                inspection.task_state(keys, task_id),
                attempts.read_attempts(keys, task_id),
            ]
        )
        raise_first(answers)
        if not known:
            raise QueueNotFoundError(queue)
        return attempts_of(records, is_active=state == TaskState.ACTIVE.value)
