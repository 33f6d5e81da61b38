"""What workers have kept, for one visitor: the attempts of tasks, and the statistics of types."""

from collections.abc import Sequence
from dataclasses import replace

from pyasynq.admin.redaction import Redactor, redacted_error
from pyasynq.inspector import AsyncInspector, Attempt, TypeInfo, TypeStats
from pyasynq.web.service.guard import Guard


class History:
    """Looks at what was; empty where no worker keeps it."""

    def __init__(self, inspector: AsyncInspector, guard: Guard, redact: Redactor | None) -> None:
        self._inspector = inspector
        self._guard = guard
        self._redact = redact

    async def attempts(self, queue: str, task_id: str) -> Sequence[Attempt]:
        """Return the last attempts to run a task, the latest first."""
        self._guard.check()
        found = await self._inspector.tasks.attempts(queue, task_id)
        return [
            replace(
                each,
                error=redacted_error(each.error, self._redact),
                traceback=redacted_error(each.traceback, self._redact),
            )
            for each in found
        ]

    async def types(self) -> Sequence[TypeInfo]:
        """Return the task types that are known, with what was done of them in the last hour."""
        self._guard.check()
        return await self._inspector.types.list()

    async def type_stats(self, task_type: str) -> TypeStats:
        """Return what was done of a task type in the last hour, minute by minute."""
        self._guard.check()
        return await self._inspector.types.stats(task_type)
