"""Every docstring on the pages of the API is complete: what something takes, has and raises."""

import ast
import re

import pytest

from tests.support.public_api import Documented, Item, find, shown_items

ITEMS = [item for item in shown_items() if isinstance(item.node, Documented)]
TWIN = re.compile(r"\b([Ll]ike|[Ss]ee|[Aa]s|[Tt]he same as) (with |for |in )?`[\w.]+`")
"""A docstring may leave the rest to that of its twin, such as "like `enqueue`, for async code"."""

WITHOUT_WORDS = {
    *("queue", "queues", "task", "tasks", "task_id", "task_type", "error", "group", "state"),
    *("page", "page_size", "entry_id", "ctx", "context", "function", "event", "name", "names"),
    *("app", "api", "flask", "request", "executor", "args", "kwargs"),
}
"""Parameters that everybody who knows the glossary understands."""


def function_of(item: Item) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    """Return the function that is called: the item itself, or the `__init__` of a class."""
    if not isinstance(item.node, ast.ClassDef):
        return item.node
    for each in item.node.body:
        if isinstance(each, ast.FunctionDef) and each.name == "__init__":
            return each
    return None


def parameters(item: Item) -> list[str]:
    """Return what users may pass; nothing for what pyasynq makes, such as errors."""
    function = function_of(item)
    is_made = isinstance(item.node, ast.ClassDef) and re.search(r"\bmade by\b", item.docstring)
    is_ours = item.module == "pyasynq.errors" or (is_made and not item.section("Args"))
    if function is None or is_ours:
        return []
    given = function.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    names = [each.arg for each in every if each is not None]
    return [name for name in names if name not in {"self", "cls"} and not name.startswith("_")]


def fields(item: Item) -> list[str]:
    """Return the fields of a dataclass, a struct or a named tuple, with those of its bases."""
    if not isinstance(item.node, ast.ClassDef) or function_of(item) is not None:
        return []
    found = [
        ast.unparse(each.target)
        for each in item.node.body
        if isinstance(each, ast.AnnAssign) and "ClassVar" not in ast.unparse(each.annotation)
    ]
    for base in item.node.bases:
        parent = find(item.module, ast.unparse(base).partition("[")[0])
        if parent is not None:
            found += fields(parent)
    return [name for name in found if not name.startswith("_")]


def told_fields(item: Item) -> set[str]:
    """Return the fields that the docstring of a class describes, or those of its bases."""
    told = {*item.section("Attributes"), *item.section("Args")}
    for base in item.node.bases if isinstance(item.node, ast.ClassDef) else ():
        parent = find(item.module, ast.unparse(base).partition("[")[0])
        told |= set() if parent is None else told_fields(parent)
    return told


def keywords(item: Item) -> str:
    """Return the name of the parameter for any keywords; empty if there is none."""
    function = function_of(item)
    return "" if function is None or function.args.kwarg is None else function.args.kwarg.arg


def is_told(name: str, item: Item) -> bool:
    """Whether the docstring speaks of a parameter: as an entry, or as *name* in its text."""
    told = item.section("Args") | item.section("Attributes")
    return name in told or bool(re.search(rf"(\*\*?|`){re.escape(name)}\b", item.docstring))


def raised(item: Item) -> set[str]:
    """Return the errors that a function raises by itself, by name."""
    function = function_of(item)
    found = set()
    for each in ast.walk(function) if function is not None else ():
        if isinstance(each, ast.Raise) and isinstance(each.exc, ast.Call):
            found.add(ast.unparse(each.exc.func))
        if isinstance(each, ast.Call) and ast.unparse(each.func).endswith("Error.raise_if"):
            found.add(ast.unparse(each.func).partition(".")[0])
    return {name for name in found if name.endswith("Error") and find(item.module, name)}


def test_everything_that_is_shown_is_looked_at():
    assert len(ITEMS) > 400
    assert {"pyasynq.App.task", "pyasynq.inspector.tasks.Tasks.get"} <= {
        item.path for item in ITEMS
    }


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.path)
def test_a_docstring_is_complete(item):
    first = item.docstring.partition("\n")[0]
    unknown = {*item.section("Args")} - {*parameters(item), *fields(item)}
    known = WITHOUT_WORDS | ({keywords(item)} if unknown else set())
    silent = [name for name in parameters(item) if name not in known and not is_told(name, item)]
    unraised = raised(item) - {*item.section("Raises")}
    is_twin = bool(TWIN.search(item.docstring))

    assert first.endswith((".", "?", ":")), "a first line of whole words"
    assert keywords(item) or unknown == set(), "no such parameters"
    assert is_twin or silent == [], "parameters without words"
    assert sorted({*fields(item)} - told_fields(item)) == [], "fields without words"
    assert is_twin or unraised == set(), "errors without words"
