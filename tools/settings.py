"""Writes what follows from the fields of `ServerConfig`: keywords of `App`, and the reference.

Each setting is declared once, in worker/config.py: its type, default and limits in the field, its
meaning in the docstring of the class. `tools/generate.py` writes and checks what is made of them.
"""

import ast
import dataclasses
import inspect
import re
import textwrap
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import unasync

from pyasynq.worker import config
from pyasynq.worker.config import ServerConfig, setting_kinds
from pyasynq.worker.setting import Anything, Flag, Function, Kind, OneOf, Priorities, Span, Whole
from pyasynq.worker.task_history import History

ROOT = unasync.ROOT
KEYWORDS = ROOT / "src/pyasynq/app/server_keywords.py"
REFERENCE = ROOT / "docs/reference/server.md"
BEGIN = (
    "<!-- made of ServerConfig by tools/settings.py: change the class, then `make generate` -->\n"
)
END = "<!-- end of what is made -->\n"

_ENTRY = re.compile(r"^(\w+): (.*?)(?=^\w+: |\Z)", re.MULTILINE | re.DOTALL)


def outputs() -> dict[Path, str]:
    """Return the path and the text of every file that contains settings."""
    return {KEYWORDS: _keywords(), REFERENCE: _reference(REFERENCE.read_text("utf-8"))}


def _keywords() -> str:
    source = Path(inspect.getfile(config)).read_text("utf-8")
    imports = "\n".join(
        ast.unparse(node)
        for node in ast.parse(source).body
        if isinstance(node, ast.Import | ast.ImportFrom)
    )
    fields = "\n".join(
        f"    {name}: {kind}" for name, kind in _annotations(source) if name != "queues"
    )
    return f'''# Generated from worker/config.py by tools/settings.py: change that file.
"""The settings of a server as keyword arguments of `App`."""

{imports}
from typing import TypedDict
from pyasynq.worker.config import ErrorHandler, HealthCheck


class ServerKeywords(TypedDict, total=False):
    """The fields of `ServerConfig` that `App` takes as keyword arguments: all but the queues."""

{fields}
'''


def _annotations(source: str) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef) and node.name == ServerConfig.__name__:
            for each in node.body:
                if isinstance(each, ast.AnnAssign):
                    yield ast.unparse(each.target), ast.unparse(each.annotation)


def _reference(page: str) -> str:
    before, _, rest = page.partition(BEGIN)
    _old, _, after = rest.partition(END)
    rows = ["| setting | default | accepts | means |", "|---|---|---|---|"]
    meanings, defaults = _meanings(), ServerConfig()
    for field in dataclasses.fields(ServerConfig):
        kind = setting_kinds()[field.name]
        cells = (
            f"`{field.name}`",
            default_text(getattr(defaults, field.name), kind),
            accepted(kind),
            meanings[field.name],
        )
        rows.append(f"| {' | '.join(cells)} |")
    return before + BEGIN + "\n" + "\n".join(rows) + "\n\n" + END + after


def _meanings() -> dict[str, str]:
    text = inspect.getdoc(ServerConfig) or ""
    attributes = text.partition("Attributes:\n")[2].partition("\nRaises:")[0]
    entries = _ENTRY.findall(textwrap.dedent(attributes))
    return {name: " ".join(words.split()).replace("``", "`") for name, words in entries}


def default_text(value: Any, kind: Kind) -> str:
    """Return the default of a setting as a page shows it."""
    if isinstance(value, timedelta):
        return f"{value.days} days"
    if isinstance(kind, Span):
        return f"{value:g} s"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return f"`retry.{value.__name__}`" if callable(value) else f"`{value!r}`".replace("'", '"')


def accepted(kind: Kind) -> str:  # noqa: PLR0911 - a table
    """Return what a setting accepts as a page shows it."""
    match kind:
        case Whole():
            number = f"{kind.low:,} to {kind.high:,}"
            unit = f" {kind.unit}" if kind.unit else ""
            return f"{number}{unit}{', or None' if kind.is_optional else ''}"
        case Span():
            least = f"at least {kind.at_least_s:g} s" if kind.at_least_s else "a duration"
            return f"0, or {least}" if kind.may_be_zero else least
        case Flag():
            return "True or False"
        case OneOf():
            return ", ".join(f'`"{word}"`' for word in kind.words)
        case Function():
            return "a function"
        case History():
            return "a `TaskHistory`, or None"
        case Priorities():
            return "names with priorities from 1"
        case Anything():
            return "anything"
    raise TypeError(f"tools/settings.py cannot describe {kind!r}")
