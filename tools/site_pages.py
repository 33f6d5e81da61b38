"""The pages of the documentation site.

Pages live in docs/. Some others of the repository are pages too (`REPOSITORY_PAGES`), and each
example is shown as one. mkdocs.yml declares the navigation, but for the decisions, which follow
from their files.
"""

import ast
import posixpath
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
REPOSITORY_PAGES = {
    "ARCHITECTURE.md": "project/architecture.md",
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "SECURITY.md": "project/security.md",
    "README.md": "index.md",
    "benchmarks/README.md": "project/benchmarks.md",
    "changes/README.md": "project/changes.md",
}
"""Pages outside of docs/, with what they are in the site."""

_LANGUAGES = {".py": "python", ".go": "go", ".html": "html", ".toml": "toml", ".yaml": "yaml"}


def navigation() -> list[Any]:
    """Return the navigation that mkdocs.yml declares."""
    text = (ROOT / "mkdocs.yml").read_text("utf-8")
    found: list[Any] = yaml.safe_load(text[text.index("\nnav:\n") :])["nav"]
    return found


def repository_url() -> str | None:
    """Return the address of the repository that pyproject.toml names, or None."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    urls = {name.lower(): url for name, url in project.get("urls", {}).items()}
    url = urls.get("repository") or urls.get("source")
    return url.rstrip("/") if url else None


def examples() -> dict[str, list[str]]:
    """Return the examples, each a file or a folder of examples/, with the files shown of it."""
    found = {}
    for top in sorted((ROOT / "examples").iterdir()):
        files = sorted(top.rglob("*")) if top.is_dir() else [top]
        shown = [
            path.relative_to(ROOT).as_posix()
            for path in files
            if path.suffix in _LANGUAGES and path.name != "__init__.py"
        ]
        if shown and not top.name.startswith(("_", ".")):
            found[top.relative_to(ROOT).as_posix()] = shown
    return found


def example_pages() -> dict[str, str]:
    """Return the text of the page of each example, and of the page that lists them."""
    pages = {}
    rows = ["# All examples", "", "Each of them is run by the tests.", ""]
    for name, files in examples().items():
        page = _example_page(name)
        shown = "\n".join(_shown(file, alone=file == name) for file in files)
        pages[page] = f"# {name}\n\n{shown}"
        told = [_told(file) for file in files if file.endswith(".py")]
        first = next(filter(None, told), "")
        rows.append(f"* [{name}]({posixpath.basename(page)})" + (f": {first}" if first else ""))
    pages["examples/index.md"] = "\n".join(rows) + "\n"
    return pages


def _example_page(name: str) -> str:
    return f"examples/{posixpath.basename(name).removesuffix('.py').replace('_', '-')}.md"


def _shown(file: str, *, alone: bool) -> str:
    text = (ROOT / file).read_text("utf-8").rstrip()
    language = _LANGUAGES[posixpath.splitext(file)[1]]
    inside = file.removeprefix("examples/").partition("/")[2]
    heading = "" if alone else f"## `{inside}` {{#{anchor_of(file)}}}\n\n"
    return f"{heading}````{language}\n{text}\n````\n"


def _told(file: str) -> str:
    text = ast.get_docstring(ast.parse((ROOT / file).read_text("utf-8"))) or ""
    return text.partition("\n")[0].partition(": run ")[0]


def anchor_of(file: str) -> str:
    """Return the anchor of *file* on the page of its example."""
    return re.sub(r"[^a-z0-9]+", "-", file.lower()).strip("-")


def decisions() -> list[str]:
    """Return the pages of the decisions, in the order of their numbers."""
    pages = sorted((DOCS / "decisions").glob("[0-9]*.md"))
    return [page.relative_to(DOCS).as_posix() for page in pages]


def title_of(page: str) -> str:
    """Return the title of a *page* of docs/."""
    first = (DOCS / page).read_text("utf-8").partition("\n")[0]
    return first.removeprefix("# ").replace("`", "")


def with_decisions(navigation: Any) -> Any:
    """Return *navigation* with the decisions, one by one, after the page that lists them."""
    if isinstance(navigation, Mapping):
        return {title: with_decisions(pages) for title, pages in navigation.items()}
    if navigation == ["decisions/index.md"]:
        return [*navigation, *decisions()]
    if isinstance(navigation, list):
        return [with_decisions(each) for each in navigation]
    return navigation


def pages_in(navigation: Any) -> Iterator[str]:
    """Yield the pages that *navigation* names."""
    if isinstance(navigation, str):
        yield navigation
    elif isinstance(navigation, Mapping):
        for each in navigation.values():
            yield from pages_in(each)
    else:
        for each in navigation:
            yield from pages_in(each)


def page_of(path: str) -> str | None:
    """Return the page of the site that shows *path* of the repository, with an anchor, or None."""
    if path in REPOSITORY_PAGES:
        return REPOSITORY_PAGES[path]
    if path == "docs" or path.startswith("docs/"):
        inside = path.removeprefix("docs").removeprefix("/")
        for name in (inside, posixpath.join(inside, "index.md")):
            if name.endswith(".md") and (DOCS / name).is_file():
                return name
        return None
    for example, files in examples().items():
        if path == example:
            return _example_page(example)
        if path in files:
            return f"{_example_page(example)}#{anchor_of(path)}"
    return "examples/index.md" if path == "examples" else None
