"""Tasks as the value of a tick box: queue, ID and the state in which the page has shown them."""

from collections.abc import Sequence
from urllib.parse import quote, unquote

from pyasynq.inspector import DamagedTask, TaskRef
from pyasynq.options import name_fault
from pyasynq.task import TaskInfo, TaskState
from pyasynq.web.refusal import Refusal


def ref_text(task: TaskInfo) -> str:
    """Return a task as the value of a field."""
    return _joined(task.queue, task.id, task.state)


def damaged_ref(task: DamagedTask) -> str:
    """Return a task that cannot be read as the value of a field."""
    return _joined(task.queue, task.id, task.state)


def refs_of(values: Sequence[str]) -> Sequence[TaskRef]:
    """Return the tasks that the fields of a form name, each once.

    Raises:
        Refusal: one of them is no task.
    """
    return tuple(dict.fromkeys(map(_ref, values)))


def _joined(queue: str, task_id: str, state: TaskState) -> str:
    parts = (quote(each, safe="", errors="surrogateescape") for each in (queue, task_id, state))
    return "/".join(parts)


def _ref(value: str) -> TaskRef:
    parts = [unquote(each, errors="surrogateescape") for each in value.split("/")]
    if len(parts) == 3 and parts[2] in tuple(TaskState):  # noqa: PLR2004 - queue, ID and state
        queue, task_id, state = parts
        if name_fault("queue", queue) is None and name_fault("task_id", task_id) is None:
            return TaskRef(queue, task_id, TaskState(state))
    raise Refusal(400, "a ticked row must be a queue, an ID and a state")
