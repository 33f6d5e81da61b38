"""A task as a row of plain fields, the same for every front end."""

from dataclasses import asdict

from pyasynq.admin.payload_text import in_json
from pyasynq.task import TaskInfo


def task_row(task: TaskInfo) -> dict[str, object]:
    """Return the fields of a task.

    They are those of `TaskInfo`, but payload and result are text, or None and beside them
    ``payload_base64`` and ``result_base64`` if they are not UTF-8.
    """
    row: dict[str, object] = {}
    for name, value in asdict(task).items():
        row |= in_json(name, value) if name in ("payload", "result") else {name: value}
    return row
