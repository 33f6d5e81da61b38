"""How a child process logs: as its worker does, unless the modules of the handler say otherwise."""

import logging
import sys
from typing import Any, Literal

import msgspec

from pyasynq.worker.log_fields import TaskFields, add_task_fields
from pyasynq.worker.log_lines import JsonLine, TextLine

Style = Literal["%", "{", "$"]

_STYLES: tuple[tuple[Style, type[logging.PercentStyle]], ...] = (
    ("{", logging.StrFormatStyle),
    ("$", logging.StringTemplateStyle),
    ("%", logging.PercentStyle),  # the base class of the others
)


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """The arguments of a `logging.Formatter`; of `defaults` the texts."""

    format: str | None
    date_format: str | None
    style: Style
    defaults: dict[str, str]


class LogSetUp(msgspec.Struct, frozen=True, kw_only=True):
    """How a worker logs.

    Attributes:
        level: of its root logger.
        lines: the form of the lines of its first handler: one of pyasynq, or a format.
        is_coloured: whether its text has colours.
        has_task_fields: whether its lines have the fields of the running task.
        placeholder: see `TaskFields`.
    """

    level: int
    lines: Literal["text", "json"] | Format
    is_coloured: bool = False
    has_task_fields: bool = False
    placeholder: str | None = None


def log_set_up() -> LogSetUp | None:
    """Return how this process logs; None if its root logger has no handler."""
    root = logging.getLogger()
    if not root.handlers:
        return None
    formatter = root.handlers[0].formatter
    filters = [each for handler in root.handlers for each in handler.filters]
    fields = next((each for each in filters if isinstance(each, TaskFields)), None)
    return LogSetUp(
        level=root.level,
        lines=_lines(formatter),
        is_coloured=isinstance(formatter, TextLine) and formatter.is_coloured,
        has_task_fields=fields is not None,
        placeholder=None if fields is None else _text(fields.placeholder),
    )


def adopt(set_up: LogSetUp) -> None:
    """Log as *set_up* says, to stderr, unless something here has set up logging already.

    Lines have the fields of the running task in any case if those of the worker have them.
    """
    root = logging.getLogger()
    if not root.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(_formatter(set_up))
        root.addHandler(handler)
        root.setLevel(set_up.level)
    if set_up.has_task_fields:
        add_task_fields(placeholder=set_up.placeholder)


def _lines(formatter: Any) -> Literal["text", "json"] | Format:
    if isinstance(formatter, TextLine):
        return "text"
    if isinstance(formatter, JsonLine):
        return "json"
    style = getattr(formatter, "_style", None)  # none of these has another name
    defaults = getattr(style, "_defaults", None) or {}
    return Format(
        format=_text(getattr(formatter, "_fmt", None)),
        date_format=_text(getattr(formatter, "datefmt", None)),
        style=next((sign for sign, kind in _STYLES if isinstance(style, kind)), "%"),
        defaults={name: str(value) for name, value in defaults.items()},
    )


def _text(value: object) -> str | None:
    """Return *value* if it is text: formatters of other libraries hold lists and the like there."""
    return value if isinstance(value, str) else None


def _formatter(set_up: LogSetUp) -> logging.Formatter:
    if set_up.lines == "text":
        return TextLine(is_coloured=set_up.is_coloured)
    if set_up.lines == "json":
        return JsonLine()
    given = set_up.lines
    return logging.Formatter(
        given.format,
        given.date_format,
        given.style,
        validate=False,  # whatever the worker has made of it
        defaults=given.defaults,
    )
