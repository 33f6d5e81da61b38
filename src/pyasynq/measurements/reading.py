"""What metrics were at one moment, in one process or in several together.

A reading is plain data, so that a worker process can send it to the one that is asked.
"""

from collections.abc import Iterable

import msgspec

from pyasynq.measurements.metric import Metric


class Distribution(msgspec.Struct, array_like=True):
    """How often values fell into each bucket of a histogram.

    Attributes:
        counts: one more than the metric has bounds; not cumulative.
        total: the sum of the values.
    """

    counts: list[int]
    total: float = 0.0


class Reading(msgspec.Struct, frozen=True, array_like=True):
    """The value of one metric, for one set of labels.

    Attributes:
        metric: its name.
        labels: the values of its labels, in its order.
        value: a number, or the distribution of a histogram.
    """

    metric: str
    labels: tuple[str, ...]
    value: float | Distribution


def together(metrics: Iterable[Metric], processes: Iterable[Iterable[Reading]]) -> list[Reading]:
    """Return what several processes have read, put together as each metric says.

    Readings of unknown metrics are left out.
    """
    known = {metric.name: metric for metric in metrics}
    found: dict[tuple[str, tuple[str, ...]], float | Distribution] = {}
    for readings in processes:
        for reading in readings:
            metric = known.get(reading.metric)
            if metric is None:
                continue
            key = reading.metric, reading.labels
            before = found.get(key)
            value = reading.value
            found[key] = _copied(value) if before is None else _both(metric, before, value)
    return [Reading(name, labels, value) for (name, labels), value in found.items()]


def lasting(metrics: Iterable[Metric], readings: Iterable[Reading]) -> list[Reading]:
    """Return the counters and histograms among *readings*, which count on when a process ends."""
    lasting_ones = {metric.name for metric in metrics if metric.kind != "gauge"}
    return [reading for reading in readings if reading.metric in lasting_ones]


def _copied(value: float | Distribution) -> float | Distribution:
    if isinstance(value, Distribution):
        return Distribution(list(value.counts), value.total)
    return value


def _both(
    metric: Metric, one: float | Distribution, other: float | Distribution
) -> float | Distribution:
    if isinstance(one, Distribution) and isinstance(other, Distribution):
        counts = [a + b for a, b in zip(one.counts, other.counts, strict=True)]
        return Distribution(counts, one.total + other.total)
    if isinstance(one, Distribution) or isinstance(other, Distribution):
        return one
    if metric.together == "largest":
        return max(one, other)
    return min(one, other) if metric.together == "smallest" else one + other
