"""The reader of expressions finds what is wrong in them: else the other tests here prove little."""

import pytest

from tests.support.deployed import faults
from tests.support.promql import read


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("sum(asynq_queue_sise)", "nothing is called asynq_queue_sise"),
        ("rate(pyasynq_task_wait_seconds[5m])", "nothing is called pyasynq_task_wait_seconds"),
        ("asynq_queue_size_bucket", "nothing is called asynq_queue_size_bucket"),
        ('asynq_queue_size{type="x"}', "asynq_queue_size has no label type"),
        ("sum by (queue, type) (asynq_queue_size)", "asynq_queue_size has no label type"),
        (
            'asynq_tasks_enqueued_total{state="waiting"}',
            "state of asynq_tasks_enqueued_total is never waiting",
        ),
        ("up and on (queue) up", "nothing has a label queue"),
    ],
)
def test_what_an_expression_names_wrongly_is_found(text, fault):
    assert faults(text) == [fault]


@pytest.mark.parametrize(
    "text", ["sum(up", "sum(up))", "sum{up)", "rat(up[5m])", "up{job=}", "up[5 minutes]", "up ; up"]
)
def test_what_is_no_expression_is_refused(text):
    with pytest.raises(ValueError, match=r"read|closes|closed|function"):
        read(text)


def test_the_labels_of_a_result_are_those_of_its_outermost_aggregation():
    text = "histogram_quantile(0.9, sum by (type, le) (rate(pyasynq_task_wait_seconds_bucket[5m])))"

    assert faults(text) == []
    assert read(text).kept == ("type",)
    assert read("sum(up) or vector(0)").kept == ()
    assert read("up == 0").kept is None
