"""The documentation site as `make docs` builds it: whole, linked, and alone in the world."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOADED = re.compile(
    r"<(?:script|img|iframe|source)[^>]* src=\"?(?:https?:)?//[^\s>]+|@import|url\(//"
)
LINKED = re.compile(r"<link[^>]* rel=\"?(?:stylesheet|icon|preconnect|preload)\"?[^>]*//[^>]*>")

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(find_spec("mkdocs") is None, reason="needs MkDocs; run: make docs"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Build the site, in which every warning is an error, and return its folder."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return folder


def test_no_page_loads_anything_from_elsewhere(site):
    pages = sorted(site.rglob("*.html"))
    loaded = {
        f"{page.relative_to(site)}: {found[0]}"
        for page in pages
        for pattern in (LOADED, LINKED)
        for found in pattern.finditer(page.read_text())
    }

    assert len(pages) > 100
    assert loaded == set()


def test_a_name_in_a_docstring_leads_to_its_place(site):
    page = (site / "api" / "client.html").read_text()

    assert re.search(r'href="[^"]*app\.html#pyasynq\.[^"]+"|href="#pyasynq\.Client\.', page)


def test_no_link_is_left_as_it_was_written(site):
    left = {
        str(page.relative_to(site))
        for page in site.rglob("*.html")
        if re.search(r"\[[^\]<]+\]\[pyasynq|<autoref|href=\"[^\":]*\.md[\"#]", page.read_text())
    }

    assert left == set()


def test_pages_from_outside_of_docs_and_examples_are_there(site):
    decisions = (site / "decisions" / "index.html").read_text()

    assert (site / "project" / "changelog.html").exists()
    assert "first_queue" in (site / "examples" / "first-queue.html").read_text()
    assert decisions.count('<li><a href="0') > 60


def test_the_search_knows_pages_and_names(site):
    index = (site / "search" / "search_index.json").read_text()

    assert "api/app.html#pyasynq.App.task" in index
    assert "guides/payloads.html" in index
