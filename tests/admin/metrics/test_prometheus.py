"""Answers of Prometheus become the report that own sampling makes."""

import json

import pytest

from pyasynq.admin.metrics.prometheus import report_of
from pyasynq.admin.metrics.report import METRICS, busiest_of, narrowed

EMPTY = b'{"status":"success","data":{"resultType":"matrix","result":[]}}'


def matrix(*rows):
    found = [{"metric": {"queue": queue}, "values": values} for queue, values in rows]
    answer = {"status": "success", "data": {"resultType": "matrix", "result": found}}
    return json.dumps(answer).encode()


def report(answer, **times):
    answers = dict.fromkeys(METRICS, EMPTY) | {"queue_size": answer}
    return report_of(answers, **{"end_s": 1030, "duration_s": 30, "step_s": 10} | times)


def test_each_value_stands_at_its_time_and_what_is_missing_is_a_gap():
    found = report(matrix(("b", [[1000, "1"], [1020.0, "2.5"]]), ("a", [[1030, "4"]])))

    assert (found.source, list(found.times_s), found.step_s) == (
        "prometheus",
        [1000, 1010, 1020, 1030],
        10,
    )
    assert {row.queue: row.values for row in found.series["queue_size"]} == {
        "a": [None, None, None, 4.0],
        "b": [1.0, None, 2.5, None],
    }
    assert [row.queue for row in found.series["queue_size"]] == ["a", "b"]
    assert found.series["error_rate"] == []


def test_what_is_no_finite_number_is_not_known():
    found = report(matrix(("a", [[1000, "NaN"], [1010, "+Inf"], [1020, "x"], [1030, "1"]])))

    assert found.series["queue_size"][0].values == [None, None, None, 1.0]


def test_two_exporters_of_one_queue_are_one_series():
    found = report(matrix(("a", [[1000, "3"], [1010, "5"]]), ("a", [[1000, "4"]])))

    assert [row.values for row in found.series["queue_size"]] == [[4.0, 5.0, None, None]]


def test_values_beside_the_time_that_was_asked_for_are_left_out():
    found = report(matrix(("a", [[900, "1"], [99_999_999, "2"]])))

    assert found.series["queue_size"][0].values == [None] * 4


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b'{"status":"error","error":"query is too long"}', "query is too long"),
        (b'{"status":"success"}', "refuses the query of queue_size"),
        (b"[]", "cannot be read"),
        (b"\xff", "cannot be read"),
        (b'{"status":"success","data":{"result":[{"metric":{},"values":[[1]]}]}}', "cannot be"),
    ],
)
def test_what_is_no_answer_to_the_query_is_told(answer, words):
    with pytest.raises(ValueError, match=words):
        report(answer)


def test_a_time_without_end_makes_no_list_without_end():
    found = report(EMPTY, end_s=10**11, duration_s=10**11, step_s=1)

    assert len(found.times_s) == 11_000


def test_a_report_of_too_many_queues_is_narrowed_to_those_that_hold_the_most():
    found = report(
        matrix(*((name, [[1000, str(size)]]) for name, size in [("a", 1), ("b", 9), ("c", 5)]))
    )

    few = narrowed(found, busiest_of(found, 2))

    assert [row.queue for row in few.series["queue_size"]] == ["b", "c"]
    assert few.left_out == 1
