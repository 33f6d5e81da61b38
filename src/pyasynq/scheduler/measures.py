"""What a scheduler measures of its work, and the readings of it."""

from collections.abc import Iterator

from pyasynq.measurements import scheduler_metrics
from pyasynq.measurements.histogram import Histogram
from pyasynq.measurements.metric import Metric
from pyasynq.measurements.reading import Reading

MOST_ENTRIES = 500  # whose ticks are counted apart; those of all others have the label OTHERS
OTHERS = "*"


class TickMeasures:
    """Counts ticks; the ticker adds to it, any thread may read it."""

    def __init__(self) -> None:
        self._ticks: dict[tuple[str, str], int] = {}
        self._entries: set[str] = set()
        self._lateness = Histogram(scheduler_metrics.TICK_LATENESS.bounds)

    def add(self, entry_id: str, outcome: str) -> None:
        """Count what came of a tick."""
        key = self._label(entry_id), outcome
        self._ticks[key] = self._ticks.get(key, 0) + 1

    def enqueued(self, late_s: float) -> None:
        """Note how late the task of a tick was enqueued."""
        self._lateness.add(max(0.0, late_s))

    def readings(self, scheduler: str) -> Iterator[Reading]:
        """Yield what was counted by the scheduler of that name."""
        for (entry, outcome), count in self._ticks.copy().items():
            yield number(scheduler_metrics.TICKS, count, scheduler, entry, outcome)
        name = scheduler_metrics.TICK_LATENESS.name
        yield Reading(name, (scheduler,), self._lateness.distribution())

    def _label(self, entry_id: str) -> str:
        if entry_id in self._entries:
            return entry_id
        if len(self._entries) >= MOST_ENTRIES:
            return OTHERS
        self._entries.add(entry_id)
        return entry_id


def number(metric: Metric, value: float, *labels: str) -> Reading:
    """Return the reading of a number."""
    return Reading(metric.name, labels, float(value))
