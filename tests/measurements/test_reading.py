"""Readings of several processes are put together as each metric says."""

import msgspec
import pytest

from pyasynq.measurements.metric import Metric
from pyasynq.measurements.queue_metrics import QUEUE_METRICS
from pyasynq.measurements.reading import Distribution, Reading, together
from pyasynq.measurements.scheduler_metrics import SCHEDULER_METRICS
from pyasynq.measurements.worker_metrics import WORKER_METRICS

ALL = (*WORKER_METRICS, *SCHEDULER_METRICS, *QUEUE_METRICS)


def metric(**changes: object) -> Metric:
    fields = {"name": "x", "kind": "gauge", "help": "An x.", **changes}
    return msgspec.convert(fields, Metric)


@pytest.mark.parametrize(("how", "value"), [("sum", 7.0), ("largest", 5.0), ("smallest", 2.0)])
def test_numbers_are_summed_or_the_largest_or_the_smallest(how: str, value: float) -> None:
    processes = [[Reading("x", ("a",), 2.0)], [Reading("x", ("a",), 5.0)]]
    assert together([metric(together=how)], processes) == [Reading("x", ("a",), value)]


def test_labels_that_differ_stay_apart() -> None:
    readings = [Reading("x", ("a",), 2.0), Reading("x", ("b",), 5.0)]
    assert together([metric()], [readings]) == readings


def test_distributions_are_summed_and_those_of_processes_stay_as_they_are() -> None:
    one, other = Distribution([1, 0], 0.5), Distribution([2, 3], 7.5)
    histogram = metric(kind="histogram", bounds=[1.0])
    found = together([histogram], [[Reading("x", (), one)], [Reading("x", (), other)]])
    assert found == [Reading("x", (), Distribution([3, 3], 8.0))]
    assert one == Distribution([1, 0], 0.5)


def test_unknown_metrics_are_left_out() -> None:
    assert together([metric()], [[Reading("y", (), 1.0)]]) == []


def test_a_reading_survives_the_way_to_another_process() -> None:
    readings = [Reading("x", ("a",), 2.0), Reading("y", (), Distribution([1, 2], 3.0))]
    assert msgspec.json.decode(msgspec.json.encode(readings), type=list[Reading]) == readings


def test_each_metric_has_a_name_of_its_own_and_follows_the_rules_for_names() -> None:
    names = [each.name for each in ALL]
    assert len(set(names)) == len(names)
    for each in ALL:
        is_ours = each.name.startswith("pyasynq_")
        assert is_ours or each.name.startswith("asynq_")
        assert not is_ours or each.name.endswith("_total") == (each.kind == "counter"), each.name
        assert bool(each.bounds) == (each.kind == "histogram"), each.name
        assert list(each.bounds) == sorted(set(each.bounds)), each.name
        assert each.kind == "gauge" or each.together == "sum", each.name
