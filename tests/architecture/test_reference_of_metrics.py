"""The reference of metrics has a row for each one, which says what the tables say."""

from pathlib import Path

import pytest

from pyasynq.measurements.queue_metrics import QUEUE_METRICS
from pyasynq.measurements.scheduler_metrics import SCHEDULER_METRICS
from pyasynq.measurements.worker_metrics import WORKER_METRICS

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "metrics.md").read_text()
OF_PROCESSES = {"sum": "summed", "largest": "the largest", "smallest": "the smallest"}
OURS = (*WORKER_METRICS, *SCHEDULER_METRICS)


def rows():
    cells = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith("| `")]
    return {row[0].strip("`"): row[1:] for row in cells}


@pytest.mark.parametrize("metric", [*QUEUE_METRICS, *OURS], ids=lambda each: each.name)
def test_every_metric_is_described(metric):
    kind, labels, *more = rows()[metric.name]

    assert kind == metric.kind
    assert labels == ", ".join(f"`{each}`" for each in metric.labels)
    assert more == [
        *([OF_PROCESSES[metric.together]] if metric in OURS else []),
        metric.help.rstrip("."),
    ]


def test_no_metric_is_described_that_does_not_exist():
    assert set(rows()) == {each.name for each in (*QUEUE_METRICS, *OURS)}
