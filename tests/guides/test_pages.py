"""Every python block of the guides and the tutorial is code that tests run."""

import re
from pathlib import Path

import pytest

from tests.support.pages import DOCS, ROOT, blocks, is_held_by

# The tests of these pages take the blocks from the page and run them as they stand there.
RUN_AS_THEY_STAND = {
    "guides/django.md": "tests/contrib/django/test_guide.py",
    "guides/logging.md": "tests/examples/test_logging_guide.py",
    "guides/sentry.md": "tests/contrib/sentry/test_guide.py",
    "guides/sqlalchemy.md": "tests/examples/test_sqlalchemy_guide.py",
    "guides/testing.md": "tests/testing/test_guide.py",
    "guides/web-frameworks.md": "tests/examples/test_web_frameworks_guide.py",
}
PAGES = sorted([*(DOCS / "guides").rglob("*.md"), *(DOCS / "tutorial").rglob("*.md")])
GUIDES = Path(__file__).parent  # first, as most blocks are there
FILES = [
    each
    for folder in (GUIDES, ROOT / "examples", ROOT / "tests")
    for each in sorted(folder.rglob("*.py"))
]
PYTHON_WITHOUT_A_FENCE = re.compile(
    r"^    (@\w|(async )?def |class |from \w+ import |import )", re.MULTILINE
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(DOCS).as_posix())
def test_every_python_block_is_code_that_tests_run(page):
    if page.relative_to(DOCS).as_posix() in RUN_AS_THEY_STAND:
        return

    unchecked = [
        block for block in blocks(page) if not any(is_held_by(file, block) for file in FILES)
    ]

    assert unchecked == []


def test_what_runs_blocks_as_they_stand_reads_their_page():
    for page, tests in RUN_AS_THEY_STAND.items():
        text = (ROOT / tests).read_text()
        assert page.rpartition("/")[2] in text
        assert re.search("```[^`]*python", text)


def test_python_stands_in_blocks_that_are_marked_as_python():
    outside = {
        page.name: re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL) for page in PAGES
    }

    assert [name for name, text in outside.items() if PYTHON_WITHOUT_A_FENCE.search(text)] == []


def test_the_end_of_each_guide_leads_on():
    ends = {
        page.name: page.read_text().splitlines()[-12:] for page in (DOCS / "guides").glob("*.md")
    }

    assert [name for name, end in ends.items() if not any("](" in line for line in end)] == []
