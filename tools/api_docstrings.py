"""Turns names in docstrings into links, for the pages of the API, and hides some constructors.

A docstring writes code between double backticks, and names of other things between single ones:
`App.task`. A name that a page of the API shows becomes a link there; any other stays code. What
pyasynq makes, and says so in its docstring, is shown without the arguments of its constructor.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import griffe
from typing_extensions import override

_LITERAL = r"``.+?``"
_NAME = r"(?<!`)`([A-Za-z_][\w.]*)(\(\))?`(?!`)"
_EITHER = re.compile(f"{_LITERAL}|{_NAME}", re.DOTALL)
_SHARED = re.compile(r"^( {4}(?: {4})?)(\w+(?:, \w+)+)(: .+(?:\n\1 +.+)*)$", re.MULTILINE)
_BLOCK = re.compile(r"(^ *```.*?^ *```|^>>>.*?$)", re.DOTALL | re.MULTILINE)


class Links(griffe.Extension):
    """Writes links into the docstrings of a package once it is loaded."""

    @override
    def on_package(self, *, pkg: griffe.Module, loader: griffe.GriffeLoader, **_: Any) -> None:
        """Write links into the docstrings of everything in the package."""
        del loader
        for each, docstring in _documented(pkg):
            docstring.value = _SHARED.sub(_apart, docstring.value)
            if isinstance(each, griffe.Class) and _is_made_by_us(each, docstring):
                _hide_constructor(each)
            docstring.value = linked(docstring.value, _finder(each, pkg))


def linked(text: str, find: Callable[[str], str | None]) -> str:
    """Return the docstring with a link for each name whose path *find* returns."""

    def link(found: re.Match[str]) -> str:
        name = found[1]
        path = find(name) if name else None
        if path is None:
            return found[0]
        shown = f"<code>{name}{found[2] or ''}</code>"
        return f'<autoref optional identifier="{path}">{shown}</autoref>'

    return "".join(
        part if number % 2 else _EITHER.sub(link, part)
        for number, part in enumerate(_BLOCK.split(text))
    )


def _apart(entry: re.Match[str]) -> str:
    """Return an entry for each of the names that share one, as in "args, kwargs: as for …"."""
    indent, names, words = entry.groups()
    return "\n".join(f"{indent}{name}{words}" for name in names.split(", "))


def _is_made_by_us(item: griffe.Object, docstring: griffe.Docstring) -> bool:
    if item.module.path == "pyasynq.errors":
        return True
    text = docstring.value
    return re.search(r"\bmade by\b", text) is not None and "\nArgs:\n" not in text


def _hide_constructor(item: griffe.Class) -> None:
    item.members.pop("__init__", None)
    # griffe makes a constructor of a dataclass later on; it knows one by its decorator.
    item.decorators = [each for each in item.decorators if "dataclass" not in str(each.value)]


def _documented(item: griffe.Object) -> Iterator[tuple[griffe.Object, griffe.Docstring]]:
    if item.docstring is not None:
        yield item, item.docstring
    for member in item.members.values():
        if isinstance(member, griffe.Object):
            yield from _documented(member)


def _finder(item: griffe.Object, package: griffe.Module) -> Callable[[str], str | None]:
    """Return what finds the path of a name as *item* sees it: a member, a neighbour, or public."""

    def find(name: str) -> str | None:
        short = name.removeprefix("pyasynq.")
        scope: Any = item
        while scope is not None:
            if (path := _path(scope, short)) is not None:
                return path
            scope = scope.parent
        return _path(package, short)

    return find


def _path(scope: Any, name: str) -> str | None:
    first, *rest = name.split(".")
    if first not in scope.members:
        return None
    found = scope.members[first]
    try:
        for part in rest:
            found = found.all_members[part]
        path: str = found.canonical_path
    except (KeyError, griffe.AliasResolutionError, griffe.CyclicAliasError):
        return None
    return path
