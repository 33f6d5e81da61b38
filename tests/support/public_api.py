"""The public names of the package, read from its source: nothing is imported.

A name is public if `__all__` of a public module lists it. An integration without `__all__` offers
what it defines.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src"
CONTRIB = SOURCE / "pyasynq" / "contrib"
MODULES = [
    "pyasynq",
    "pyasynq.retry",
    "pyasynq.inspector",
    "pyasynq.testing",
    "pyasynq.web",
    "pyasynq.metrics",
    "pyasynq.opentelemetry",
    "pyasynq.admin.doctor",
    *(
        f"pyasynq.contrib.{name}"
        for name in (
            "django",
            "django.test",
            "fastapi",
            "flask",
            "sentry",
            "sqlalchemy",
            "structlog",
        )
        if (path := CONTRIB / name.replace(".", "/")).is_dir() or path.with_suffix(".py").exists()
    ),
]
API = SOURCE.parent / "docs" / "api"
SECTIONS = r"^(Args|Attributes|Returns|Yields|Raises|Examples?|Type Parameters):$"

Documented = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Item:
    """Something public, or a member of it: its path, where it is defined, and its syntax tree."""

    path: str
    module: str
    node: ast.stmt

    @property
    def docstring(self) -> str:
        """Its docstring; empty if there is none, or if it cannot have one."""
        return (ast.get_docstring(self.node) or "") if isinstance(self.node, Documented) else ""

    def section(self, name: str) -> dict[str, str]:
        """Return the entries of a section of the docstring, such as "Args"."""
        parts = re.split(SECTIONS, self.docstring, flags=re.MULTILINE)
        for title, text in zip(parts[1::2], parts[2::2], strict=True):
            if title == name:
                block = re.match(r"\n((?: {4}.*\n?|\n)*)", text)
                entries = re.findall(
                    r"^ {4}(\S[^:\n]*): (.*(?:\n {5,}.*)*)", block[1] if block else "", re.MULTILINE
                )
                return {
                    name.lstrip("*"): words
                    for names, words in entries
                    for name in names.split(", ")
                }
        return {}


@cache
def tree(module: str) -> ast.Module:
    """Return the syntax tree of a module of the package."""
    base = SOURCE / module.replace(".", "/")
    path = base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
    return ast.parse(path.read_text("utf-8"))


@cache
def names_of(module: str) -> tuple[str, ...]:
    """Return the public names of a module."""
    for node in tree(module).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return tuple(ast.literal_eval(node.value))
    return tuple(
        node.name
        for node in tree(module).body
        if isinstance(node, Documented) and not node.name.startswith("_")
    )


def public_names() -> dict[str, str]:
    """Return the path of each public name, under the first module that offers it, and its home."""
    found: dict[tuple[str, str], str] = {}
    for module in MODULES:
        for name in names_of(module):
            home = find(module, name)
            if home is not None:  # None: a module, whose names are listed themselves
                found.setdefault((home.module, name), f"{module}.{name}")
    return {path: home for (home, _), path in found.items()}


@cache
def find(module: str, name: str) -> Item | None:
    """Return what a module calls *name*; None for a module, or what is not of this package."""
    for node in _statements(tree(module)):
        if isinstance(node, ast.ImportFrom):
            for each in node.names:
                if (each.asname or each.name) == name and (node.module or "").startswith("pyasynq"):
                    return _imported(node.module or "", each.name)
        elif name in _defined(node):
            return Item(f"{module}.{name}", module, node)
    return None


def _imported(module: str, name: str) -> Item | None:
    base = SOURCE / module.replace(".", "/") / name
    return None if base.with_suffix(".py").exists() or base.is_dir() else find(module, name)


def _statements(body: ast.Module | ast.If) -> Iterator[ast.stmt]:
    for node in body.body:
        yield node
        if isinstance(node, ast.If):
            yield from _statements(node)


def _defined(node: ast.stmt) -> set[str]:
    if isinstance(node, Documented):
        return set() if "overload" in map(ast.unparse, node.decorator_list) else {node.name}
    if isinstance(node, ast.Assign):
        return {ast.unparse(each) for each in node.targets}
    if isinstance(node, ast.AnnAssign):
        return {ast.unparse(node.target)}
    return set()


def shown_names() -> list[str]:
    """Return the paths that the pages of the API show, page by page."""
    return [
        path
        for page in sorted(API.glob("*.md"))
        for path in re.findall(r"^::: (\S+)$", page.read_text("utf-8"), re.MULTILINE)
    ]


def shown_items() -> list[Item]:
    """Return everything that the pages of the API show, with its members."""
    items = []
    for path in shown_names():
        module, _, name = path.rpartition(".")
        item = find(module, name)
        assert item is not None, path
        items.append(Item(path, item.module, item.node))
        if isinstance(item.node, ast.ClassDef):
            items += members(path, item.module, item.node)
    return items


def members(path: str, module: str, node: ast.ClassDef) -> list[Item]:
    """Return the public methods and properties of a class, with those of its bases."""
    found: dict[str, Item] = {}
    for each in node.body:
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
            decorators = {ast.unparse(mark) for mark in each.decorator_list}
            if not each.name.startswith("_") and not decorators & {"overload"}:
                found[each.name] = Item(f"{path}.{each.name}", module, each)
    for base in node.bases:
        parent = find(module, ast.unparse(base).partition("[")[0])
        if parent is not None and isinstance(parent.node, ast.ClassDef):
            for item in members(path, parent.module, parent.node):
                found.setdefault(item.path.rpartition(".")[2], item)
    return list(found.values())
