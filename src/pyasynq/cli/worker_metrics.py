"""What a worker has measured, that of this process or several of others, as the port asks."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pyasynq.cli.supervision.protocol import Measured
from pyasynq.cli.supervision.totals import METRICS, Fleet
from pyasynq.cli.supervision.worker_process import WorkerProcess
from pyasynq.measurements import worker_metrics
from pyasynq.measurements.reading import Reading, lasting, together

if TYPE_CHECKING:
    from pyasynq.app.worker import AppWorker

ANSWER_S = 0.8  # for which a process is waited for
NOT_READY = Reading(worker_metrics.READY.name, (), 0.0)


class WorkerMeasured:
    """What the worker of this process has measured, which may have none yet.

    Attributes:
        is_of_this_process: whether the numbers of this process belong to it.
    """

    is_of_this_process = True

    def __init__(self) -> None:
        self._worker: AppWorker | None = None

    def watch(self, worker: "AppWorker") -> None:
        """Note the worker of this process; called before it starts."""
        self._worker = worker

    async def readings(self) -> Sequence[Reading]:
        """Return it; the event loop of the worker is not asked."""
        return [NOT_READY] if self._worker is None else self._worker.readings()


class ProcessesMeasured:
    """What several processes have measured together; asked on an event loop of any thread.

    Args:
        fleet: returns them, and what was counted by those that have ended.
        bounded: returns what one of them has told, without more names than can be shown.
    """

    is_of_this_process = False

    def __init__(
        self,
        fleet: Callable[[], Fleet],
        bounded: Callable[[Sequence[Reading]], Sequence[Reading]] = list,
    ) -> None:
        self._fleet = fleet
        self._bounded = bounded

    async def readings(self) -> Sequence[Reading]:
        """Return the sums; a process that does not answer in time hides no other."""
        fleet = self._fleet()
        found = await asyncio.gather(*map(_readings_of, fleet.processes))
        return together(METRICS, [fleet.ended, *map(self._bounded, found)])


async def _readings_of(process: WorkerProcess | None) -> Sequence[Reading]:
    """Return what a process has measured: its counters, at least, as it told them last."""
    if process is None:
        return [NOT_READY]
    asked: asyncio.Future[Measured] = asyncio.wrap_future(process.ask_to_measure())
    await asyncio.wait([asked], timeout=ANSWER_S)
    if asked.done() and (told := asked.result().readings):
        return told
    return [NOT_READY, *lasting(METRICS, process.readings)]
