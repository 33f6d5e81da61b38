"""The dashboard for Grafana: panels ask for what exists, say what to do, and have their places."""

import itertools
import re

import pytest

from tests.support.deployed import DASHBOARD, METRICS, faults, labels_of, series
from tests.support.promql import read

ROWS = [each for each in DASHBOARD["panels"] if each["type"] == "row"]
PANELS = [
    panel
    for each in DASHBOARD["panels"]
    for panel in ([each] if each["type"] != "row" else each["panels"])
]
VARIABLES = {each["name"]: each for each in DASHBOARD["templating"]["list"]}


def test_panels_ask_for_what_exists():
    wrong = {
        (panel["title"], target["refId"]): found
        for panel in PANELS
        for target in panel["targets"]
        if (found := faults(target["expr"]))
    }

    assert wrong == {}


def test_panels_name_their_lines_by_labels_that_are_there():
    wrong = {
        (panel["title"], target["refId"]): absent
        for panel in PANELS
        for target in panel["targets"]
        if (
            absent := set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            - labels_of(read(target["expr"]), series())
            - {"le"}
        )
    }

    assert wrong == {}


def test_panels_have_a_title_a_unit_and_a_text_that_says_what_to_do():
    titles = [panel["title"] for panel in PANELS]

    assert len(set(titles)) == len(titles)
    for panel in PANELS:
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert len(panel["description"]) > 60
        assert panel["description"].endswith("."), panel["title"]


def test_panels_use_the_chosen_prometheus_and_the_variables():
    for panel in PANELS:
        used = set(re.findall(r"\$\{?(\w+)", str(panel["targets"]))) - {"__rate_interval"}

        assert panel["datasource"]["uid"] == "${datasource}"
        assert used <= set(VARIABLES)


def test_every_metric_is_on_the_dashboard():
    shown = {
        re.sub("_(bucket|sum|count)$", "", selector.metric)
        for panel in PANELS
        for target in panel["targets"]
        for selector in read(target["expr"]).selectors
    }

    assert {metric.name for metric in METRICS} - shown == set()


def test_panels_have_numbers_and_places_of_their_own():
    numbers = [each["id"] for each in [*ROWS, *PANELS]]
    shut = {id(panel) for row in ROWS for panel in row["panels"]}
    # What is in a row that is shut takes place only when that row is open, and moves others down.
    for group in ([p for p in [*ROWS, *PANELS] if id(p) not in shut], *(r["panels"] for r in ROWS)):
        for one, other in itertools.combinations([each["gridPos"] for each in group], 2):
            assert not overlap(one, other), (one, other)

    assert len(numbers) == len(set(numbers))
    assert all(each["gridPos"]["x"] + each["gridPos"]["w"] <= 24 for each in PANELS)


def overlap(one, other) -> bool:
    return (
        one["x"] < other["x"] + other["w"]
        and other["x"] < one["x"] + one["w"]
        and one["y"] < other["y"] + other["h"]
        and other["y"] < one["y"] + one["h"]
    )


def test_rows_go_from_what_is_asked_first_to_what_is_asked_last():
    assert [row["title"] for row in ROWS] == [
        *("Overview", "Queues", "Tasks by type", "Workers", "Schedulers", "Processes")
    ]


@pytest.mark.parametrize("name", ["namespace", "job", "queue", "type"])
def test_a_variable_offers_the_values_of_its_label_and_all_of_them(name):
    variable = VARIABLES[name]
    inner = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"])

    assert inner is not None
    assert inner[2] == name
    assert (variable["includeAll"], variable["allValue"]) == (True, ".*")
    for metric in re.findall(r"\b(?:py)?asynq_\w+", inner[1]):
        assert name in series()[metric]
