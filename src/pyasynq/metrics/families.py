"""Readings as families of samples, which is what Prometheus calls a metric."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.utils import floatToGoString

from pyasynq.measurements.label import presentable
from pyasynq.measurements.metric import Metric
from pyasynq.measurements.reading import Distribution, Reading, together


def families(metrics: Sequence[Metric], readings: Iterable[Reading]) -> Iterator[Family]:
    """Yield the families that *readings* make, in the order of *metrics*.

    A metric without a reading has no family. Readings of the same labels are put together, since
    Prometheus would refuse everything for a sample that is there twice.
    """
    found: dict[str, list[Reading]] = defaultdict(list)
    for reading in together(metrics, [presentable(readings)]):
        found[reading.metric].append(reading)
    for metric in metrics:
        if metric.name in found:
            yield _family(metric, found[metric.name])


def descriptions(metrics: Iterable[Metric]) -> list[Family]:
    """Return the families of *metrics* without samples, for a registry that asks for names."""
    return [_family(metric, ()) for metric in metrics]


def _family(metric: Metric, readings: Iterable[Reading]) -> Family:
    if metric.kind == "histogram":
        return _histogram(metric, readings)
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family = kind(metric.name, metric.help, labels=metric.labels)
    for reading in readings:
        if not isinstance(reading.value, Distribution):
            family.add_metric(reading.labels, reading.value)
    return family


def _histogram(metric: Metric, readings: Iterable[Reading]) -> Family:
    family = HistogramMetricFamily(metric.name, metric.help, labels=metric.labels)
    limits = [*map(floatToGoString, metric.bounds), "+Inf"]
    for reading in readings:
        if isinstance(reading.value, Distribution):
            buckets = list(zip(limits, accumulate(reading.value.counts), strict=True))
            family.add_metric(reading.labels, buckets, reading.value.total)
    return family
