"""What ``manage.py check`` finds about tasks."""

from typing import Any

from django.core import checks

from pyasynq.contrib.django.project import project_app
from pyasynq.errors import ConfigError
from pyasynq.options import DEFAULT_QUEUE


def check_tasks(**_given: Any) -> list[Any]:
    """Find tasks that cannot run, and queues that the project's worker does not serve."""
    app = project_app()
    found: list[Any] = []
    for task in dict.fromkeys(app.tasks.values()):
        queue = task.default_options.queue or DEFAULT_QUEUE
        if queue not in app.config.queues:
            found.append(
                checks.Warning(
                    f"task {task.type!r} at {task.spec.source_line} goes to queue {queue!r}, "
                    "which PYASYNQ['QUEUES'] does not name",
                    hint="Name it there, or run a worker of its own with `-q`.",
                    id="pyasynq.W001",
                )
            )
    try:
        _ = app.mux
    except ConfigError as error:
        found += [checks.Error(fault, id="pyasynq.E001") for fault in error.faults]
    return found
