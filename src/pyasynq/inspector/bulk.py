"""What can be done to all tasks of a state, and how far that has come."""

from collections.abc import Callable
from typing import Literal

from pyasynq.errors import ConfigError
from pyasynq.inspector.walks import state_of
from pyasynq.options import name_fault
from pyasynq.task import TaskState

AT_ONCE = 500  # tasks in one call, so that none holds Redis for long

# asynq v0.26 inspector.go: RunAll…, ArchiveAll… and DeleteAll… exist for these states.
STATES = {
    "run_all": (TaskState.SCHEDULED, TaskState.RETRY, TaskState.ARCHIVED, TaskState.AGGREGATING),
    "archive_all": (
        *(TaskState.PENDING, TaskState.SCHEDULED, TaskState.RETRY),
        TaskState.AGGREGATING,
    ),
    "delete_all": (
        *(TaskState.PENDING, TaskState.SCHEDULED, TaskState.RETRY, TaskState.ARCHIVED),
        *(TaskState.COMPLETED, TaskState.AGGREGATING),
    ),
}

OnProgress = Callable[[int, int], object]
"""Called after each few hundred tasks, with how many are done and how many there were at first."""


def checked(
    call: Literal["run_all", "archive_all", "delete_all"], state: object, group: str | None
) -> TaskState:
    """Return the state of this name.

    Raises:
        ConfigError: there is no such state, it does not allow the call, or the group is missing.
    """
    found = state_of(state)
    names = [each.value for each in STATES[call]]
    if found not in STATES[call]:
        allowed = f"{', '.join(names[:-1])} or {names[-1]}"
        raise ConfigError(f"{call} takes tasks that are {allowed}, not {found.value} ones")
    is_grouped = found is TaskState.AGGREGATING
    if is_grouped and group is None:
        raise ConfigError("name the group of the tasks that are aggregating (group=…)")
    if group is not None:
        fault = None if is_grouped else f"{found.value} tasks are not in a group; leave group out"
        ConfigError.raise_if([name_fault("group", group), fault])
    return found
