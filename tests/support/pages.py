"""The python blocks of the documents, and whether a file of tests holds them."""

import ast
import re
import textwrap
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_INDENTATIONS = [" " * spaces for spaces in range(0, 20, 4)]


def blocks(page: Path) -> list[str]:
    """Return the python blocks of a page, in their order."""
    return re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)


def is_held_by(file: Path, block: str) -> bool:
    """Whether a file has the lines of *block*, at any depth, and imports what it imports.

    Empty lines do not count, and the imports at the start of a block may stand elsewhere.
    """
    text = _lines_of(file)
    if _is_inside(block, text):
        return True
    imports, code = _split(block)
    if not _is_inside(code, text):
        return False
    # What a reader imports from a file of theirs may lie in a package here.
    known = [f".{each}" for each in _imported_by(file)]
    return all(any(each.endswith(f".{name}") for each in known) for name in imports)


def _is_inside(code: str, text: str) -> bool:
    lines = textwrap.dedent(_without_empty(code))
    return any(f"\n{textwrap.indent(lines, each)}\n" in text for each in _INDENTATIONS)


@cache
def _lines_of(file: Path) -> str:
    return f"\n{_without_empty(file.read_text())}\n"


@cache
def _imported_by(file: Path) -> set[str]:
    return _names(ast.parse(file.read_text()).body)


def _split(block: str) -> tuple[set[str], str]:
    """Return what *block* imports at its start, and the lines after that."""
    flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    block = textwrap.dedent(block)
    body = compile(block, "<block>", "exec", flags).body
    first = next((each for each in body if not _is_import(each)), None)
    if first is None:
        return _names(body), ""
    decorators = [each.lineno for each in getattr(first, "decorator_list", ())]
    start = min([first.lineno, *decorators])
    imports = [each for each in body if _is_import(each) and each.lineno < start]
    lines = block.splitlines()[max((each.end_lineno for each in imports), default=0) :]
    return _names(imports), "\n".join(lines)


def _is_import(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Import | ast.ImportFrom)


def _names(statements: list[ast.stmt]) -> set[str]:
    found = set()
    for each in statements:
        if isinstance(each, ast.Import):
            found |= {alias.name for alias in each.names}
        elif isinstance(each, ast.ImportFrom):
            found |= {f"{each.module}.{alias.name}" for alias in each.names}
    return found


def _without_empty(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip())
