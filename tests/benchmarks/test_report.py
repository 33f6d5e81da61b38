"""The page about performance says what was recorded."""

import re

import pytest

from benchmarks.measure.goals import Goal
from benchmarks.measure.question import FIRST, GO, Column, Question
from benchmarks.measure.record import RECORDS
from benchmarks.report import PAGE, QUESTIONS, UnknownTableError, read, rendered

PAGE_WITH_A_TABLE = "before\n<!-- table {} -->\nold\n<!-- end of table -->\nafter\n"


def side(name, **median):
    return {"name": name, "median": median, "rounds": []}


def test_the_page_of_the_docs_says_what_the_records_say():
    page = PAGE.read_text("utf-8")

    assert page == rendered(page, read(RECORDS)), "run `make bench-chart`"


def test_the_page_has_a_table_for_every_question():
    names = re.findall(r"<!-- table (\S+) -->", PAGE.read_text("utf-8"))

    assert set(names) == {"goals", "records", "peers", *QUESTIONS}


def test_only_what_stands_between_the_marks_is_replaced():
    results = {"idle": [side("pyasynq", p50_ms=0.5, p95_ms=1.0, p99_ms=1.25, earliest_ms=0.1)]}

    page = rendered(PAGE_WITH_A_TABLE.format("latency"), {"latency": {"results": results}})

    assert page == (
        "before\n<!-- table latency -->\n"
        "| case | program | p50 ms | p95 ms | p99 ms | earliest ms | commands a task |\n"
        "| --- | --- | --: | --: | --: | --: | --: |\n"
        "| idle | pyasynq | 0.5 | 1 | 1.25 | 0.1 | - |\n"
        "<!-- end of table -->\nafter\n"
    )


def test_a_table_without_a_record_is_an_error():
    with pytest.raises(UnknownTableError, match="scale: no such record; run `make bench` first"):
        rendered(PAGE_WITH_A_TABLE.format("scale"), {})


def test_a_figure_is_a_multiple_of_go_or_of_the_first_where_go_is_absent():
    question = Question("some", ("case", "side"), (Column("of", "rate", of=(GO, FIRST)),))

    rows = question.rows(
        {
            "with": [side("pyasynq", rate=30.0), side("go asynq", rate=10.0)],
            "without": [side("bare", rate=8.0), side("typed", rate=4.0), side("failed")],
        }
    )

    assert [row[2] for row in rows] == [3.0, 1.0, 1.0, 0.5, None]


GOAL = Goal(
    metric="rate",
    goal="≥ 2 × Go",
    question="drain",
    group="ten",
    figures=("tasks_per_s",),
    is_rate=True,
    ceiling=("run", "pyasynq, 10 a call"),
)


def test_a_goal_stands_beside_go_the_best_peer_and_the_ceiling():
    ten = [
        side("pyasynq", tasks_per_s=600.0),
        side("go asynq", tasks_per_s=200.0),
        side("huey", tasks_per_s=50.0),
        side("taskiq", tasks_per_s=60.0),
    ]
    ceiling = {"run": [side("pyasynq, 10 a call", tasks_per_s=900.0)]}

    row = GOAL.row({"drain": {"ten": ten}, "ceiling": ceiling})

    assert row == ("rate", "600 (3 × Go, 10 × taskiq)", "200", "taskiq 60", "900", "≥ 2 × Go")


def test_a_goal_that_was_not_measured_has_no_figures():
    assert GOAL.row({}) == ("rate", "-", "-", "-", "-", "≥ 2 × Go")
