"""Writes the list of guides into docs/guides/index.md, as mkdocs.yml groups them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import site_pages

INDEX = site_pages.DOCS / "guides" / "index.md"
BEGIN = "<!-- made of mkdocs.yml by tools/guides_page.py: change that, then `make generate` -->\n"
END = "<!-- end of what is made -->\n"


def outputs() -> dict[Path, str]:
    """Return the path and the text of the page."""
    before, _, rest = INDEX.read_text("utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    listed = "\n".join(_listed(site_pages.navigation()))
    return {INDEX: f"{before}{BEGIN}\n{listed}\n{END}{after}"}


def _listed(navigation: list[Any]) -> Iterator[str]:
    for part in navigation:
        ((name, pages),) = part.items()
        if name == "Guides":
            for group in pages:
                if isinstance(group, dict):
                    ((heading, inside),) = group.items()
                    yield from _group(heading, inside)
        if name == "Integrations":
            yield from _group("Use it in frameworks", pages)


def _group(heading: str, pages: list[Any]) -> Iterator[str]:
    yield f"## {heading}\n"
    for page in site_pages.pages_in(pages):
        if page.startswith("guides/"):
            yield f"* [{site_pages.title_of(page)}]({page.removeprefix('guides/')})"
    yield ""
