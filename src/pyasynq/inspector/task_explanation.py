# Generated from task_explanation_async.py by tools/unasync.py: change that file.
"""Why a task does not run, and why an enqueue is refused.

The rules are loaded by the first explanation, since most inspectors never explain anything.
"""

from pyasynq.errors import ConfigError
from pyasynq.inspector.calls import Calls
from pyasynq.inspector.finding import Finding
from pyasynq.options import DEFAULT_QUEUE, name_fault
from pyasynq.task import Task


class TaskExplanation:
    """The methods of `inspector.tasks` that explain."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def explain(self, queue: str, task_id: str) -> tuple[Finding, ...]:
        """Tell why a task does not run.

        It reads the task, its queue and the servers that are alive, in one round trip or two, and
        changes nothing. What servers in Go can handle is not known, since they do not publish it.

        Args:
            queue: the queue; one that does not exist is a finding, no error.
            task_id: the task; one that does not exist is a finding, too.

        Returns:
            What was found, the most decisive first: what keeps the task until somebody does
            something, what delays it, and what is as it should be. There is always a finding.

        Raises:
            ConfigError: a name is blank or is not text.
        """
        from pyasynq.inspector.explain.findings import explained  # noqa: PLC0415
        from pyasynq.inspector.explain.reading import Reading  # noqa: PLC0415

        ConfigError.raise_if([name_fault("task_id", task_id)])
        return explained(Reading(self._calls, queue).of_task(task_id))

    def explain_enqueue(
        self,
        task: Task,
        *,
        queue: str | None = None,
        task_id: str | None = None,
        unique_key: str | None = None,
    ) -> tuple[Finding, ...]:
        """Tell why a unique task is refused: who holds its lock, and why that one is not done.

        Args:
            task: what is enqueued; its own options apply where an argument is not given.
            queue: the queue.
            task_id: its ID, if it is given at the enqueue: whether another task has it.
            unique_key: what makes it unique in place of its payload.

        Returns:
            What was found about the lock and the ID, then what `explain` finds about the holder.

        Raises:
            ConfigError: a name is blank or is not text, or *task* is not a Task.
        """
        from pyasynq.inspector.explain.findings import explained_enqueue  # noqa: PLC0415
        from pyasynq.inspector.explain.reading import Reading  # noqa: PLC0415

        if not isinstance(task, Task):
            raise ConfigError(f"explain_enqueue takes a Task, not {type(task).__name__}")
        options = task.options
        queue = queue if queue is not None else options.queue or DEFAULT_QUEUE
        task_id = task_id if task_id is not None else options.task_id
        unique_key = unique_key if unique_key is not None else options.unique_key
        if task_id is not None:
            ConfigError.raise_if([name_fault("task_id", task_id)])
        if unique_key is not None:
            ConfigError.raise_if([name_fault("unique_key", unique_key)])
        reading = Reading(self._calls, queue)
        unique = task.payload if unique_key is None else unique_key.encode()
        held = reading.of_lock(self._calls.keys_of(queue).unique(task.type, unique))
        taken = None if task_id is None else reading.of_task(task_id)
        return explained_enqueue(held, taken)
