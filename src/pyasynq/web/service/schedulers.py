"""Periodic tasks, for one visitor: what they can be made to do."""

from pyasynq.admin.redaction import Redactor, redacted, redacted_error
from pyasynq.errors import PayloadError
from pyasynq.inspector import AsyncInspector, pauses
from pyasynq.shown import shown
from pyasynq.task import TaskInfo
from pyasynq.web.refusal import as_bad_request
from pyasynq.web.service.guard import Guard


class SchedulerService:
    """Runs, pauses and resumes the entries of schedulers."""

    def __init__(self, inspector: AsyncInspector, guard: Guard, redact: Redactor | None) -> None:
        self._inspector = inspector
        self._guard = guard
        self._redact = redact

    async def run(self, entry_id: str) -> TaskInfo:
        """Enqueue the task of an entry now, beside its ticks; return the task."""
        with self._guard.acting("run", _named(entry_id)):
            try:
                task = await self._inspector.schedulers.run(entry_id)
            except PayloadError as error:  # its text quotes what cannot be read
                raise PayloadError(redacted_error(str(error), self._redact)) from error
        return redacted(task, self._redact)

    async def pause(self, entry_id: str, *, reason: str = "") -> None:
        """Let the ticks of an entry pass without a task.

        Args:
            entry_id: the entry.
            reason: why, at most 1,000 characters.
        """
        by = self._guard.visitor.name[: pauses.LONGEST["by"]]
        with self._guard.acting("pause", _named(entry_id)):
            with as_bad_request():
                pauses.check(by, reason, None, self._inspector.clock.redis_now_ns())
            await self._inspector.schedulers.pause(entry_id, by=by, reason=reason)

    async def resume(self, entry_id: str) -> None:
        """End the pause of an entry."""
        with self._guard.acting("resume", _named(entry_id)):
            await self._inspector.schedulers.resume(entry_id)


def _named(entry_id: str) -> str:
    return f"scheduler entry {shown(entry_id)!r}"
