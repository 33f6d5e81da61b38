"""Readings become an exposition that tools accept, whatever the values of labels are."""

import pytest

from pyasynq.measurements.metric import Metric
from pyasynq.measurements.queue_metrics import QUEUE_METRICS
from pyasynq.measurements.reading import Distribution, Reading
from pyasynq.measurements.scheduler_metrics import SCHEDULER_METRICS
from pyasynq.measurements.worker_metrics import WORKER_METRICS
from pyasynq.metrics.exposition import Collected, exposition
from pyasynq.metrics.families import descriptions, families
from tests.support.scraped import OPENMETRICS, of, samples_of, scraped

METRICS = (*QUEUE_METRICS, *WORKER_METRICS, *SCHEDULER_METRICS)
HOSTILE = (
    '"',
    "\n",
    "\\",
    "\\n",
    "}",
    '{a="b"}',
    "\x00",
    "\udce9",
    "\ud800",
    "x" * 10_000,
    "x" * 10_001,
    "\u2028",
    "\r",
    "",
    " ",
    "#",
    "<script>",
)


def reading_of(metric: Metric, label: str) -> Reading:
    counts = [1] * (len(metric.bounds) + 1)
    value = Distribution(counts, 5.0) if metric.kind == "histogram" else 3.0
    return Reading(metric.name, (label,) * len(metric.labels), value)


def shown(readings):
    return scraped(Collected(families(METRICS, readings)))


def test_every_metric_is_shown_whatever_its_labels_say():
    samples = shown(reading_of(metric, label) for metric in METRICS for label in HOSTILE)

    for metric in METRICS:
        name = f"{metric.name}_count" if metric.kind == "histogram" else metric.name
        found = [labels for shown_name, labels in samples if shown_name == name]
        assert len(found) == (len(HOSTILE) if metric.labels else 1), metric.name


def test_buckets_of_a_histogram_count_all_that_is_below():
    metric = Metric(name="t_seconds", kind="histogram", help="T.", bounds=(0.1, 1.0))
    text = exposition(
        Collected(families([metric], [Reading("t_seconds", (), Distribution([1, 2, 3], 9.5))]))
    )

    samples = samples_of(text.body.decode())

    assert [of(samples, "t_seconds_bucket", le=each) for each in ("0.1", "1.0", "+Inf")] == [
        1,
        3,
        6,
    ]
    assert (of(samples, "t_seconds_count"), of(samples, "t_seconds_sum")) == (6, 9.5)


def test_what_is_there_twice_is_put_together_since_prometheus_refuses_it():
    samples = shown([Reading("asynq_queue_size", ("a",), 1.0)] * 2)

    assert samples == {("asynq_queue_size", (("queue", "a"),)): 2.0}


def test_what_is_unknown_is_left_out_and_what_was_not_measured_has_no_family():
    assert list(families(METRICS, [Reading("nobody_knows", (), 1.0)])) == []
    assert len(descriptions(METRICS)) == len(METRICS)


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "text/plain; version=0.0.4"),
        ("*/*", "text/plain; version=0.0.4"),
        (OPENMETRICS, "application/openmetrics-text; version=1.0.0"),
        ("garbage;;;,=", "text/plain; version=0.0.4"),
    ],
)
def test_the_format_is_the_one_that_is_asked_for(accept, kind):
    found = exposition(Collected(()), accept=accept)

    assert found.headers["Content-Type"].startswith(kind)
