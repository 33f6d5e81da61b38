"""The pages that explain name tests as their proof; those tests are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted((ROOT / "docs" / "explain").glob("*.md"))
TESTS = {
    name
    for path in (ROOT / "tests").rglob("*.py")
    for name in re.findall(r"^\s*(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE)
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_test_that_an_explanation_names_is_there(page):
    named = set(re.findall(r"`(test_\w+)`", page.read_text()))

    assert named - TESTS == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_explanation_is_listed(page):
    index = (ROOT / "docs" / "explain" / "index.md").read_text()

    assert page.stem == "index" or f"]({page.name})" in index
