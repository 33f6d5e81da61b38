"""The documentation site: its navigation, the pages of the API, and where links lead."""

import functools
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.support.public_api import public_names, shown_names
from tests.support.tools import tool

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md"))
SOURCES = [
    *(f"docs/{page}" for page in PAGES),
    *("ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "README.md", "SECURITY.md"),
]

site_pages = tool("site_pages")
site_links = tool("site_links")


def test_every_page_is_in_the_navigation_once():
    listed = list(site_pages.pages_in(site_pages.with_decisions(site_pages.navigation())))
    made = [*site_pages.REPOSITORY_PAGES.values(), "examples/index.md"]

    assert [page for page, count in Counter(listed).items() if count > 1] == []
    assert sorted({*PAGES} - {*listed}) == []  # add them to `nav` in mkdocs.yml
    assert sorted({*listed} - {*PAGES, *made}) == []


@pytest.mark.parametrize("folder", ["reference", "api"])
def test_an_index_lists_every_page_beside_it(folder):
    links = re.findall(r"\]\(([\w-]+\.md)", (DOCS / folder / "index.md").read_text())
    pages = [page.name for page in (DOCS / folder).glob("*.md") if page.name != "index.md"]

    assert sorted(set(pages) - set(links)) == []


def test_every_public_name_is_on_one_page_of_the_api():
    shown = Counter(shown_names())

    assert [path for path, count in shown.items() if count > 1] == []
    assert sorted({*public_names()} - {*shown}) == []  # add `::: NAME` to a page of docs/api


def test_the_site_is_built_with_what_wraps_long_signatures():
    needed = (ROOT / "requirements" / "docs.txt").read_text()

    assert re.search(r"^ruff\b", needed, re.MULTILINE)  # else each signature is one long line


@functools.cache
def anchors(source: str) -> frozenset[str]:
    """Return what links to a page may name after "#": its headings as GitHub and the site do."""
    text = re.sub(r"^```.*?^```", "", (ROOT / source).read_text(), flags=re.DOTALL | re.MULTILINE)
    found = set()
    for heading in re.findall(r"^#{1,6} (.+)$", text, re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        found.add(re.sub(r"[^\w\- ]", "", words.lower()).strip().replace(" ", "-"))
    return frozenset(found) | set(re.findall(r"^::: (\S+)$", text, re.MULTILINE))


@pytest.mark.parametrize("source", SOURCES)
def test_every_anchor_of_a_link_is_a_heading(source):
    absent = []
    for target, anchor in re.findall(r"\]\(([^)#\s]*)#([^)\s]+)\)", (ROOT / source).read_text()):
        there = ((ROOT / source).parent / target).resolve() if target else ROOT / source
        if there.suffix != ".md" or "://" in target:
            continue
        if anchor not in anchors(there.relative_to(ROOT).as_posix()):
            absent.append(f"{target}#{anchor}")

    assert absent == []


@pytest.mark.parametrize("source", SOURCES)
def test_lists_and_tables_begin_after_a_blank_line_as_the_site_needs_it(source):
    text = re.sub(r"^```.*?^```", "", (ROOT / source).read_text(), flags=re.DOTALL | re.MULTILINE)
    begun = r"^(?![*|<#]|\d+\. |    )\S.*\n(?:\* |\d+\. |\|).*"

    assert re.findall(begun, text, re.MULTILINE) == []


@pytest.mark.parametrize(
    ("link", "shown"),
    [
        ("[a](payloads.md#types)", "[a](payloads.md#types)"),
        ("[a](../../ARCHITECTURE.md)", "[a](../project/architecture.md)"),
        ("[a](../decisions)", "[a](../decisions/index.md)"),
        ("[a](web/queue-light.webp)", "[a](web/queue-light.webp)"),
        ("[examples](../../examples)", "[examples](../examples/index.md)"),
        ("[a](../../examples/batch.py)", "[a](../examples/batch.md)"),
        ("[manifests](../../deploy/kubernetes)", "manifests (`deploy/kubernetes`)"),
        ("[tools/generate.py](../../tools/generate.py)", "`tools/generate.py`"),
        ("[`Makefile`](../../Makefile)", "`Makefile`"),
        ("[a](https://example.org/x)", "[a](https://example.org/x)"),
        ("`[a](../../Makefile)`", "`[a](../../Makefile)`"),
    ],
)
def test_a_link_of_the_repository_holds_in_the_site(link, shown):
    page = site_links.rewritten(f"{link}\n", "guides/x.md", "docs/guides/x.md", url=None)

    assert page == f"{shown}\n"


def test_a_link_to_the_source_leads_to_the_repository_if_it_has_an_address():
    text = "[the manifests](../../deploy/kubernetes), [one](../../Makefile#L3)\n"
    url = "https://example.org/shop"
    page = site_links.rewritten(text, "guides/x.md", "docs/guides/x.md", url=url)

    assert page == (
        f"[the manifests]({url}/tree/main/deploy/kubernetes), [one]({url}/blob/main/Makefile#L3)\n"
    )


def test_a_page_from_outside_of_docs_has_links_of_its_place():
    text = "[a](docs/guides/web.md), [b](CHANGELOG.md)\n"
    page = site_links.rewritten(text, "project/architecture.md", "ARCHITECTURE.md", url=None)

    assert page == "[a](../guides/web.md), [b](changelog.md)\n"


def test_code_is_left_as_it_is():
    text = "```python\n[a](../../Makefile)\n```\n"

    assert site_links.rewritten(text, "guides/x.md", "docs/guides/x.md", url=None) == text


def test_a_bar_in_the_code_of_a_table_needs_no_escape_in_the_site():
    page = site_links.rewritten("| `a \\| b` | c |\n", "guides/x.md", "docs/guides/x.md", url=None)

    assert page == "| `a | b` | c |\n"


def test_a_picture_for_dark_systems_follows_the_switch_of_the_site():
    text = (
        '<picture>\n  <source media="(prefers-color-scheme: dark)" srcset="web/d.webp">\n'
        '  <img src="web/l.webp" alt="Queues" width="300">\n</picture>\n'
    )
    page = site_links.rewritten(text, "guides/x.md", "docs/guides/x.md", url=None)

    assert page == (
        '<img src="web/l.webp#only-light" alt="Queues" width="300">'
        '<img src="web/d.webp#only-dark" alt="Queues" width="300">\n'
    )
