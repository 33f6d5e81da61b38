"""The page about filters tells all fields, and its examples are filters."""

import re
from pathlib import Path

import pytest

from pyasynq.admin.filters import FIELDS, parse
from pyasynq.admin.filters.fields import OPERATORS
from pyasynq.admin.filters.values import SIZE_UNITS, SPAN_UNITS_US

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "filters.md").read_text()
ROWS = re.findall(r"^\| `([^|]+)` \|", PAGE.partition("| field |")[0], re.MULTILINE)
EXAMPLES = re.findall(r"^\| `([^|]+)` \|", PAGE.partition("### Examples")[2], re.MULTILINE)
FIELD_ROWS = re.findall(r"^\| (`[^|]+) \| ([^|]+) \|", PAGE.partition("| field |")[2], re.MULTILINE)


def test_there_are_examples():
    assert len(ROWS) > 5
    assert len(EXAMPLES) > 5


@pytest.mark.parametrize("query", [*ROWS, *EXAMPLES])
def test_every_example_is_a_filter_that_is_read_as_it_is_written(query):
    assert parse(str(parse(query))) == parse(query)


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_is_described_with_its_operators(name):
    written = "headers.NAME" if name == "headers" else name
    operators = [row[1] for row in FIELD_ROWS if f"`{written}`" in row[0]]
    told = ["`" + "` `".join(OPERATORS[FIELDS[name].kind]) + "`", "all"]

    assert len(operators) == 1
    assert operators[0] in told


def test_the_units_are_described():
    for unit in ("ms", "s", "m", "d", "w"):
        assert unit in SPAN_UNITS_US
        assert re.search(rf"`\d[\dhm]*{unit}`", PAGE)
    for unit in ("kB", "KiB", "MB"):
        assert unit.lower() in SIZE_UNITS
        assert unit in PAGE
