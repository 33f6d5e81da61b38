"""What the processes of a supervisor have measured, those included that have ended."""

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from pyasynq.cli.supervision.worker_process import WorkerProcess
from pyasynq.measurements.reading import Reading, lasting, together
from pyasynq.measurements.scheduler_metrics import SCHEDULER_METRICS
from pyasynq.measurements.worker_metrics import WORKER_METRICS

METRICS = (*WORKER_METRICS, *SCHEDULER_METRICS)
MOST_NAMES = 2000  # of types by queue and of entries; what is beyond has the label OTHERS
OTHERS = "*"

_PLACES = {
    metric.name: metric.labels.index(label)
    for metric in METRICS
    for label in ("type", "entry")
    if label in metric.labels
}


class Fleet(NamedTuple):
    """The processes at one moment.

    Attributes:
        processes: those that run, None for one that is to be started again.
        ended: what those have counted that had ended by then.
    """

    processes: Sequence[WorkerProcess | None]
    ended: Sequence[Reading]


class Totals:
    """Keeps what processes have counted when they end, so that sums do not fall.

    A process is among those that run, or in the totals, never in both or in none of them. Each
    process tells few names of types and entries apart, but the next one may tell other ones.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ended: Sequence[Reading] = ()
        self._names: set[tuple[str, ...]] = set()

    def end(self, process: WorkerProcess, forget: Callable[[], None]) -> None:
        """Add what *process* has counted, while *forget* takes it from those that run."""
        counted = self.bounded(lasting(METRICS, process.readings))
        with self._lock:
            self._ended = together(METRICS, [self._ended, counted])
            forget()

    def fleet(self, processes: Callable[[], Sequence[WorkerProcess | None]]) -> Fleet:
        """Return the processes that run, and the totals of the others; in any thread."""
        with self._lock:
            return Fleet(processes(), self._ended)

    def bounded(self, readings: Iterable[Reading]) -> list[Reading]:
        """Return what a process has told, with few names for the life of this one; in any thread.

        A name is shown or not from the first time on, so that sums do not fall.
        """
        with self._lock:
            return [self._bounded(each) for each in readings]

    def _bounded(self, reading: Reading) -> Reading:
        place = _PLACES.get(reading.metric)
        if place is None or (name := reading.labels[: place + 1]) in self._names:
            return reading
        if len(self._names) < MOST_NAMES:
            self._names.add(name)
            return reading
        labels = reading.labels
        return replace(reading, labels=(*labels[:place], OTHERS, *labels[place + 1 :]))
