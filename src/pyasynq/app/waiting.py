"""When to look again for a result, and what is seen: pure but for the clock."""

import time

from pyasynq.errors import ConfigError, ResultTimeoutError, TaskFailedError
from pyasynq.options import Duration, duration_fault, to_seconds
from pyasynq.task import TaskInfo, TaskState

FIRST_WAIT_S = 0.01
LONGEST_WAIT_S = 0.5


class Waiting:
    """One caller that waits for a task to be done.

    Raises:
        ConfigError: the timeout is no duration.
    """

    def __init__(self, task_id: str, timeout: Duration | None) -> None:
        fault = None if timeout is None else duration_fault("timeout", timeout)
        ConfigError.raise_if([fault])
        self._task_id = task_id
        self._timeout_s = None if timeout is None else to_seconds(timeout)
        self._began = time.monotonic()
        self._wait_s = FIRST_WAIT_S

    def is_over(self, info: TaskInfo) -> bool:
        """Tell whether the task is done.

        Raises:
            TaskFailedError: it is archived.
            ResultTimeoutError: it is not done, and the time is over.
        """
        if info.state is TaskState.COMPLETED:
            return True
        if info.state is TaskState.ARCHIVED:
            raise TaskFailedError(task_id=self._task_id, error=info.last_error)
        left_s = self._left_s()
        if left_s is not None and left_s <= 0:
            raise ResultTimeoutError(
                task_id=self._task_id, state=info.state.value, timeout_s=self._timeout_s or 0.0
            )
        return False

    def next_s(self) -> float:
        """Return how long to wait before the next look: longer each time."""
        wait_s, self._wait_s = self._wait_s, min(LONGEST_WAIT_S, 1.5 * self._wait_s)
        left_s = self._left_s()
        return wait_s if left_s is None else max(0.0, min(wait_s, left_s))

    def _left_s(self) -> float | None:
        if self._timeout_s is None:
            return None
        return self._timeout_s - (time.monotonic() - self._began)
