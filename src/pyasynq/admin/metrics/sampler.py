"""Metrics from own sampling: of the last hour in steps of 10 s, of the last day in steps of 2 min.

A queue takes 34,560 bytes. At most 200 queues are sampled, which take 7 MB together; those that do
something come first, and one that is deleted makes room.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pyasynq.admin.metrics.report import METRICS, Metric, MetricsReport, QueueSeries, busiest
from pyasynq.admin.metrics.rings import UNKNOWN, Resolution, Ring

FINE = Resolution(10, 360)  # an hour
COARSE = Resolution(120, 720)  # a day
MOST_QUEUES = 200
LONGEST_GAP_S = 60  # between two samples that make a rate
MOST_VALUE = 3e38  # what a float of 32 bits holds

# What is kept of a queue; the error rate follows from the first two.
KEPT: tuple[Metric, ...] = tuple(each for each in METRICS if each != "error_rate")
_WEIGHTY: tuple[Metric, Metric] = ("tasks_processed_per_second", "queue_size")
_RATES = 2  # the first two of them: their mean counts in a coarser step, of others the largest


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSample:
    """What is known of a queue at one moment.

    Attributes:
        processed, failed: how many tasks ever; processed includes the failures.
        size: how many tasks it holds, in any state.
        latency_s: for how long the oldest pending task has waited; None if not known.
        memory: bytes in Redis; None if not known.
    """

    processed: int
    failed: int
    size: int
    pending: int
    retry: int
    archived: int
    latency_s: float | None = None
    memory: int | None = None


class Sampler:
    """Keeps samples of queues, and reports them as series.

    Args:
        most_queues: how many queues are sampled at most.
    """

    def __init__(self, *, most_queues: int = MOST_QUEUES) -> None:
        self._most_queues = most_queues
        self._queues: dict[str, _History] = {}
        self._newest_slot: int | None = None
        self._began_s: int | None = None
        self._left_out = 0

    @property
    def queues(self) -> Collection[str]:
        """The queues that are sampled."""
        return self._queues.keys()

    @property
    def size_bytes(self) -> int:
        """How many bytes the values take."""
        return sum(each.size_bytes for each in self._queues.values())

    def is_due(self, time_s: float) -> bool:
        """Return whether a sample is due: one for each step."""
        slot = FINE.slot_at(int(time_s))
        return self._newest_slot is None or slot > self._newest_slot

    def take(self, time_s: float, samples: Mapping[str, QueueSample]) -> None:
        """Keep what is known of all queues at a moment, unless its step has a sample already."""
        if not self.is_due(time_s):
            return
        self._newest_slot = FINE.slot_at(int(time_s))
        if self._began_s is None:
            self._began_s = int(time_s)
        self._choose(samples)
        for queue, history in self._queues.items():
            if queue in samples:
                history.take(time_s, samples[queue])

    def report(
        self,
        *,
        end_s: int,
        duration_s: int,
        queues: Collection[str] = (),
        most: int = MOST_QUEUES,
    ) -> MetricsReport:
        """Return the metrics of a time.

        Args:
            end_s: its last second, since the epoch.
            duration_s: how many seconds before it; a day counts for everything longer.
            queues: these only; if there are none, those that did or held the most.
            most: how many queues, then.
        """
        duration_s = min(max(duration_s, FINE.step_s), COARSE.span_s)
        first_s = end_s - duration_s
        resolution = FINE if self._is_fine(first_s, duration_s) else COARSE
        slots = range(resolution.slot_at(first_s) + 1, resolution.slot_at(end_s) + 1)
        known = dict(self._queues)  # samples may be taken meanwhile, in another thread
        shown = sorted(set(queues) & known.keys())
        if not queues:
            shown = _busiest(known, resolution, slots, most)
        columns = {queue: known[queue].columns(resolution, slots) for queue in shown}
        return MetricsReport(
            source="own",
            times_s=[slot * resolution.step_s for slot in slots],
            step_s=resolution.step_s,
            series={metric: list(_known(metric, columns)) for metric in METRICS},
            began_s=self._began_s,
            left_out=0 if queues else self._left_out + len(known) - len(shown),
        )

    def _is_fine(self, first_s: int, duration_s: int) -> bool:
        """Return whether the finer steps reach back to a second."""
        newest_s = (self._newest_slot or 0) * FINE.step_s
        # What was asked for a moment ago is still asked for with the same steps.
        return duration_s <= FINE.span_s and first_s >= newest_s - FINE.span_s - LONGEST_GAP_S

    def _choose(self, samples: Mapping[str, QueueSample]) -> None:
        """Make room for queues that are new, those that do something first."""
        new = [queue for queue in samples if queue not in self._queues]
        room = self._most_queues - len(self._queues)
        if len(new) > room:
            gone = [queue for queue in self._queues if queue not in samples]
            for queue in gone[: len(new) - room]:
                del self._queues[queue]
            room = self._most_queues - len(self._queues)
            new.sort(key=lambda queue: (-samples[queue].size, -samples[queue].processed, queue))
        for queue in new[:room]:
            self._queues[queue] = _History()
        self._left_out = len(new[room:])


class _History:
    """What is kept of one queue."""

    def __init__(self) -> None:
        self._fine, self._coarse = Ring(FINE, len(KEPT)), Ring(COARSE, len(KEPT))
        self._before: tuple[float, QueueSample] | None = None

    @property
    def size_bytes(self) -> int:
        return self._fine.size_bytes + self._coarse.size_bytes

    def take(self, time_s: float, sample: QueueSample) -> None:
        values = [
            *self._rates(time_s, sample),
            sample.size,
            _or_unknown(sample.latency_s),
            _or_unknown(sample.memory),
            sample.pending,
            sample.retry,
            sample.archived,
        ]
        self._before = time_s, sample
        self._fine.write(FINE.slot_at(int(time_s)), [_bounded(each) for each in values])
        slot, many = COARSE.slot_at(int(time_s)), COARSE.step_s // FINE.step_s
        rows = self._fine.rows(range(slot * many, (slot + 1) * many))
        self._coarse.write(slot, list(map(_together, range(len(KEPT)), zip(*rows, strict=True))))

    def ring(self, resolution: Resolution) -> Ring:
        return self._fine if resolution is FINE else self._coarse

    def columns(self, resolution: Resolution, slots: range) -> dict[Metric, Sequence[float]]:
        ring = self.ring(resolution)
        read = {metric: ring.read(column, slots) for column, metric in enumerate(KEPT)}
        processed, failed = read[KEPT[0]], read[KEPT[1]]
        return {**read, "error_rate": list(map(_share, failed, processed))}

    def _rates(self, time_s: float, sample: QueueSample) -> tuple[float, float]:
        """Return how many tasks were processed in a second, and failed, since the last sample."""
        if self._before is None:
            return UNKNOWN, UNKNOWN
        before_s, before = self._before
        seconds = time_s - before_s
        processed, failed = sample.processed - before.processed, sample.failed - before.failed
        # A counter that is smaller than before is of a queue that was deleted meanwhile.
        if not 0 < seconds <= LONGEST_GAP_S or processed < 0 or failed < 0:
            return UNKNOWN, UNKNOWN
        return processed / seconds, failed / seconds


def _busiest(
    known: Mapping[str, _History], resolution: Resolution, slots: range, most: int
) -> list[str]:
    processed, sizes = (
        {
            queue: _sum(history.ring(resolution).read(KEPT.index(metric), slots))
            for queue, history in known.items()
        }
        for metric in _WEIGHTY
    )
    return busiest(processed, sizes, most)


def _known(
    metric: Metric, columns: Mapping[str, Mapping[Metric, Sequence[float]]]
) -> Iterable[QueueSeries]:
    for queue, of_queue in columns.items():
        values = [None if math.isnan(each) else each for each in of_queue[metric]]
        if any(each is not None for each in values):
            yield QueueSeries(queue=queue, values=values)


def _together(column: int, values: Sequence[float]) -> float:
    """Return what stands for the values of several steps: so a peak stays to be seen."""
    known = [each for each in values if not math.isnan(each)]
    if not known:
        return UNKNOWN
    return sum(known) / len(known) if column < _RATES else max(known)


def _sum(values: Iterable[float]) -> float:
    return sum(each for each in values if not math.isnan(each))


def _share(failed: float, processed: float) -> float:
    return failed / processed if processed > 0 else UNKNOWN


def _or_unknown(value: float | None) -> float:
    return UNKNOWN if value is None else value


def _bounded(value: float) -> float:
    return value if math.isnan(value) else min(value, MOST_VALUE)
