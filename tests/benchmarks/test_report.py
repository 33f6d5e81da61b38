"""The pages about performance and the comparison say what was recorded."""

import re

import pytest

from benchmarks.measure.question import FIRST, GO, Column, Question
from benchmarks.measure.record import RECORDS
from benchmarks.report import PAGES, QUESTIONS, UnknownTableError, read, rendered

PAGE_WITH_A_TABLE = "before\n<!-- table {} -->\nold\n<!-- end of table -->\nafter\n"


def side(name, **median):
    return {"name": name, "median": median, "rounds": []}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_the_pages_of_the_docs_say_what_the_records_say(path):
    page = path.read_text("utf-8")

    assert page == rendered(page, read(RECORDS)), "run `make bench-chart`"


def test_the_pages_have_a_table_for_every_question():
    names = re.findall(r"<!-- table (\S+) -->", "".join(each.read_text("utf-8") for each in PAGES))

    assert set(names) == {"goals", "records", "peers", "compared", *QUESTIONS}


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
