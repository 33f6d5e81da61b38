"""The progress of running tasks on its way to Redis: the latest of each, about once a second.

A handler may report as often as it likes, from any thread: a report only replaces the one before,
and the next write takes whatever is the latest then. What was not written when the handler ends is
written before its outcome, since nobody may write it afterwards.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

import msgspec

from pyasynq.errors import PyasynqError
from pyasynq.wire.progress import ProgressRecord
from pyasynq.worker.attempt.running_task import RunningTask

logger = logging.getLogger("pyasynq.progress")

INTERVAL_S = 1.0


class Reported(msgspec.Struct):
    """What one task has reported.

    Attributes:
        latest: set by the handler, in any thread.
        written: what Redis has of it; set by the loop.
        writing: the write that is under way, or was the last one.
    """

    latest: ProgressRecord
    written: ProgressRecord | None = None
    writing: "asyncio.Task[None] | None" = None

    @property
    def unwritten(self) -> ProgressRecord | None:
        """What Redis does not have yet; None if it has the latest."""
        return None if self.written is self.latest else self.latest


Reports = dict[RunningTask, Reported]
"""What the running tasks have reported; one that reports nothing is not in it."""

WriteProgress = Callable[[RunningTask, ProgressRecord], Awaitable[object]]


class ProgressWriter:
    """Writes what tasks report, each at most about once a second.

    Args:
        loop: where *write* runs.
        reports: where the latest of each task is kept; whoever settles a task removes it.
        write: stores one progress.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, reports: Reports, write: WriteProgress
    ) -> None:
        self._loop = loop
        self._reports = reports
        self._write = write
        self._planned: set[RunningTask] = set()  # a write is under way, or was less than 1 s ago
        self._writes: set[asyncio.Task[None]] = set()

    def report(self, running: RunningTask, record: ProgressRecord) -> None:
        """Take the progress of a task, in any thread; it is written soon."""
        if running.is_settled:
            return
        reported = self._reports.get(running)
        if reported is None:
            reported = self._reports.setdefault(running, Reported(record))
        # First the value, then the question whether a write is planned, which would take it.
        reported.latest = record
        if running in self._planned:
            return
        if asyncio._get_running_loop() is self._loop:  # noqa: SLF001 - in __all__ of asyncio, and does not raise
            self._begin(running)
        else:
            with contextlib.suppress(RuntimeError):  # the loop is closed: the server has stopped
                self._loop.call_soon_threadsafe(self._begin, running)

    def _begin(self, running: RunningTask) -> None:
        """Write the latest of a task, unless that is planned, done, or up to who settles it."""
        reported = self._reports.get(running)
        if reported is None or reported.unwritten is None:
            return
        if running in self._planned or running.is_settled:
            return
        self._planned.add(running)
        reported.writing = task = self._loop.create_task(self._write_latest(running, reported))
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)

    async def _write_latest(self, running: RunningTask, reported: Reported) -> None:
        record = reported.latest
        try:
            if running.is_settled:  # meanwhile: whoever settles it writes something newer
                return
            await self._write(running, record)
            reported.written = record
        except PyasynqError as error:
            logger.debug("the progress of task %s is not written: %s", running.task_id, error)
        finally:
            self._loop.call_later(INTERVAL_S, self._again, running)

    def _again(self, running: RunningTask) -> None:
        self._planned.discard(running)
        self._begin(running)
