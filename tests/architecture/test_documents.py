"""The documents tell the truth: what they name exists, and what exists is named."""

import ast
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "pyasynq"
DOCS = ROOT / "docs"
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted(DOCS.rglob("*.md")),
    ROOT / "benchmarks" / "README.md",
    ROOT / "changes" / "README.md",
]
PATH = re.compile(r"[\w.-]+(/[\w.-]+)*(/|\.(py|md|json|lua|proto|toml|yaml))|(\.?\w+/)+\w+")
OF_OTHERS = (".benchmarks/", "dist/", "data/", "queue.py", "logging.py")  # made by us, or by users
FILES = [
    "/" + path.relative_to(ROOT).as_posix() + ("/" if path.is_dir() else "")
    for top in (
        "src",
        "tests",
        "docs",
        "deploy",
        "tools",
        "examples",
        "benchmarks",
        "changes",
        ".ci",
    )
    for path in [ROOT / top, *(ROOT / top).rglob("*")]
    if "__pycache__" not in path.parts
] + ["/" + path.name for path in ROOT.iterdir()]


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def code_in(text: str) -> list[str]:
    """Return what stands between single backticks, outside of blocks of code."""
    without_blocks = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"`([^`\n]+)`", without_blocks)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_path_that_a_page_names_exists(page):
    named = {each for each in code_in(page.read_text()) if PATH.fullmatch(each)}
    absent = {
        each
        for each in named
        if not each.startswith(OF_OTHERS) and not any(file.endswith(f"/{each}") for file in FILES)
    }

    assert absent == set()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_to_a_file(page):
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text())
    absent = {
        each for each in links if "://" not in each and not (page.parent / each).resolve().exists()
    }

    assert absent == set()


def packages() -> list[str]:
    return sorted(
        path.parent.relative_to(PACKAGE).as_posix() + "/"
        for path in PACKAGE.rglob("__init__.py")
        if path.parent != PACKAGE
    )


def modules_at_the_top() -> list[str]:
    return sorted(path.name for path in PACKAGE.glob("*.py") if not path.name.startswith("__"))


def components() -> list[str]:
    """Return the names of what has a `run(life)` in the worker."""
    return sorted(
        node.name.lower()
        for path in (PACKAGE / "worker").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
        for method in node.body
        if isinstance(method, ast.AsyncFunctionDef)
        and method.name == "run"
        and [argument.arg for argument in method.args.args] == ["self", "life"]
    )


@pytest.mark.parametrize("name", [*packages(), *modules_at_the_top()])
def test_every_room_is_in_the_architecture(name):
    text = (ROOT / "ARCHITECTURE.md").read_text()

    assert re.search(rf"(?<![\w/]){re.escape(name)}", text)


def test_the_worker_has_the_components_that_are_looked_for():
    assert {"processor", "watchdog", "healthchecker", "notifier"} <= set(components())


@pytest.mark.parametrize("page", ["ARCHITECTURE.md", "docs/explain/components.md"])
@pytest.mark.parametrize("name", components())
def test_every_component_is_described(name, page):
    assert f"| {name} |" in (ROOT / page).read_text()


def test_decisions_are_numbered_without_a_gap():
    pages = sorted((DOCS / "decisions").glob("[0-9]*.md"))
    names = [int(page.name[:4]) for page in pages]
    titles = [re.match(r"# (\d+)\. ", page.read_text()) for page in pages]

    assert names == list(range(1, len(pages) + 1))
    assert [title and int(title[1]) for title in titles] == names


def test_a_link_to_a_decision_shows_its_number():
    wrong = {
        f"{name_of(page)}: {shown} -> {number}"
        for page in PAGES
        for shown, number in re.findall(r"\[(\d+)\]\((?:\S*/)?(\d{4})-", page.read_text())
        if int(shown) != int(number)
    }

    assert wrong == set()


def identifiers() -> str:
    """Return every name in the source, and the names in the scripts, in one text."""
    names = set()
    for path in PACKAGE.rglob("*.py"):
        with tokenize.open(path) as file:
            tokens = tokenize.generate_tokens(file.readline)
            names |= {each.string for each in tokens if each.type == tokenize.NAME}
    for path in PACKAGE.rglob("*.lua"):
        names |= set(re.findall(r"\w+", path.read_text()))
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", "\n".join(sorted(names))).lower()


def words_of_the_glossary() -> list[str]:
    text = (DOCS / "explain" / "glossary.md").read_text()
    return re.findall(r"^\* \*\*([^*]+)\*\*:", text, re.MULTILINE)


def test_each_word_of_the_glossary_is_a_name_in_the_code():
    names = identifiers()
    absent = [
        word
        for word in words_of_the_glossary()
        if not re.search(rf"(?<![a-z]){re.sub('[ -]', '_?', word)}", names)
    ]

    assert absent == []


def test_the_glossary_is_sorted_and_linked_from_where_readers_begin():
    words = words_of_the_glossary()

    assert len(words) >= 25
    assert words == sorted(words)
    for page in ("README.md", "ARCHITECTURE.md", "docs/explain/index.md"):
        assert "glossary.md)" in (ROOT / page).read_text()
