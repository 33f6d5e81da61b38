"""Where an exception was raised, as a person wants to read it: ``tasks.py:60 < PIL/Image.py:3730``.

The innermost line of the application comes first, then the line that raised, if a library did.
Paths begin where modules are found: at the root of the application, or of the libraries.
"""

import sys
import sysconfig
from collections.abc import Iterator
from functools import lru_cache
from pathlib import PurePath
from traceback import walk_tb
from types import CodeType
from typing import Literal, NamedTuple

Owner = Literal["application", "library", "pyasynq"]

_MACHINERY = {
    "<frozen importlib._bootstrap>",
    "<frozen importlib._bootstrap_external>",
    "<frozen runpy>",
    "asyncio",
    "click",
    "concurrent",
    "contextlib.py",
    "importlib",
    "runpy.py",
    "threading.py",
}
_LIBRARY_FOLDERS = ("site-packages", "dist-packages")
_STANDARD_LIBRARY = PurePath(sysconfig.get_path("stdlib"))
_PYASYNQ = PurePath(__file__).parents[1]


class Source(NamedTuple):
    """A file of source code.

    Attributes:
        path: from the folder where its modules are found.
    """

    owner: Owner
    path: str


def source_line(error: BaseException) -> str:
    """Return where *error* was raised; empty if it never was."""
    ours, deepest = "", ""
    for code, line in _raised_through(error):
        source = source_of(code.co_filename)
        deepest = f"{source.path}:{line}"
        if source.owner == "application":
            ours = deepest
    if not ours or ours == deepest:
        return deepest
    return f"{ours} < {deepest}"


def has_passed_users_code(error: BaseException) -> bool:
    """Whether *error* was raised in, or came through, more than what runs code of users."""
    return any(not is_machinery(code.co_filename) for code, _line in _raised_through(error))


def is_machinery(file: str) -> bool:
    """Whether a file belongs to what runs code of users: pyasynq, asyncio, click, imports."""
    source = source_of(file)
    if source.owner == "pyasynq":
        return True
    return source.owner == "library" and source.path.split("/", 1)[0] in _MACHINERY


@lru_cache(maxsize=1024)
def source_of(file: str) -> Source:
    """Return whose a file is, and its path from where its modules are found."""
    path = PurePath(file)
    if path.is_relative_to(_PYASYNQ):  # first: it may be installed among the libraries
        return Source("pyasynq", _joined(path.relative_to(_PYASYNQ.parent).parts))
    for depth, part in enumerate(path.parts):
        if part in _LIBRARY_FOLDERS:
            return Source("library", _joined(path.parts[depth + 1 :]))
    if file.startswith("<frozen "):
        return Source("library", file)
    if path.is_relative_to(_STANDARD_LIBRARY):
        return Source("library", _joined(path.relative_to(_STANDARD_LIBRARY).parts))
    roots = [PurePath(each) for each in sys.path if each]
    inside = [root for root in roots if path.is_relative_to(root)]
    if not inside:
        return Source("application", path.name)
    root = max(inside, key=lambda each: len(each.parts))
    return Source("application", _joined(path.relative_to(root).parts))


def _joined(parts: tuple[str, ...]) -> str:
    return "/".join(parts)


def _raised_through(error: BaseException) -> Iterator[tuple[CodeType, int]]:
    for frame, line in walk_tb(error.__traceback__):
        yield frame.f_code, line
