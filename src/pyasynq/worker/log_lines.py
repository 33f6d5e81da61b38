"""The forms of lines of the log, and how they name a task.

Text is for people. JSON is for machines: one valid object a line, whatever a line is about.
"""

import json
import logging
import math
import re
from copy import copy
from datetime import UTC, datetime
from typing import Any

from typing_extensions import override

from pyasynq.shown import shown, without_surrogates
from pyasynq.wire.message import TaskMessage, clean_text

SHOWN_OF_ID = 8  # characters
LONGEST_NAME_BYTES = 500
LINE = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"

_COLOURS = {"DEBUG": "2", "WARNING": "33", "ERROR": "31", "CRITICAL": "31;1"}
_OF_EVERY_RECORD = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}
_ESCAPED = re.compile(
    r"\\(?:ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|u(?P<lone>d[89a-f][0-9a-f]{2})|.)"
)
_OF_EVERY_LINE = ("time", "level", "logger", "message", "traceback", "stack")


def task_name(task_type: str, task_id: str) -> str:
    """Return how a line of text calls a task: its type, and the first characters of its ID."""
    return f"{shown(task_type)}[{shown(task_id[:SHOWN_OF_ID])}]"


def task_fields(task_id: str, queue: str, message: TaskMessage) -> dict[str, Any]:
    """Return the fields of every line about a task."""
    return {
        "task_id": clean_text(task_id, LONGEST_NAME_BYTES),
        "task_type": clean_text(message.type, LONGEST_NAME_BYTES),
        "queue": queue,
        "attempt": message.retried + 1,
        "max_retry": message.retry,
    }


class TextLine(logging.Formatter):
    """A line for people: lines of applications and libraries end with the task they belong to.

    Lines of pyasynq say themselves which task they are about.

    Attributes:
        is_coloured: whether the level has a colour.
    """

    def __init__(self, *, is_coloured: bool = False) -> None:
        super().__init__(LINE)
        self.is_coloured = is_coloured

    @override
    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        if record.exc_text is not None and "\n" not in record.exc_text:
            record = copy(record)  # an error without frames, which the line has told
            record.exc_info = record.exc_text = None
        line = super().format(record)
        colour = _COLOURS.get(record.levelname)
        if not self.is_coloured or colour is None:
            return line
        head, separator, rest = line.partition("\n")
        return f"\x1b[{colour}m{head}\x1b[0m{separator}{rest}"

    @override
    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return the line without its traceback."""
        head, separator, rest = super().formatMessage(record).partition("\n")
        return f"{head}{_suffix(record)}{separator}{rest}"


class JsonLine(logging.Formatter):
    """A line for machines: a JSON object with the fields of the record, all on one line."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        fields: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": _message(record),
        }
        for name, value in vars(record).items():
            if name not in _OF_EVERY_RECORD:
                fields[f"extra_{name}" if name in _OF_EVERY_LINE else name] = value
        if record.exc_text:  # all that is left in a record of another process
            fields["traceback"] = record.exc_text
        elif record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        if record.stack_info:
            fields["stack"] = self.formatStack(record.stack_info)
        return json_text(fields)


def _suffix(record: logging.LogRecord) -> str:
    """Return the task that a line of an application or a library belongs to, if there is one."""
    fields = vars(record)
    if record.name.partition(".")[0] == "pyasynq":
        return ""
    task_id, task_type, attempt = map(fields.get, ("task_id", "task_type", "attempt"))
    if isinstance(task_id, str) and isinstance(task_type, str) and isinstance(attempt, int):
        return f" [{task_name(task_type, task_id)}, attempt {attempt}]"
    group = fields.get("group")
    if isinstance(group, str) and isinstance(fields.get("queue"), str):
        return f" [group {shown(group)!r}]"
    return ""


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception as error:  # noqa: BLE001 - a line with wrong arguments is still a line
        return f"{_text(record.msg)} (its arguments do not fit: {type(error).__name__})"


def json_text(fields: dict[str, Any]) -> str:
    """Return *fields* as JSON that every parser takes, whatever they are."""
    try:
        text = json.dumps(fields, default=_text, allow_nan=False)
    except Exception:  # noqa: BLE001 - a key that is no text, a circle, NaN, a __str__ that fails
        text = json.dumps({_text(name): _plain(value) for name, value in fields.items()})
    # json.dumps has escaped all that is not ASCII.
    return _ESCAPED.sub(_without_lone_surrogate, text) if "\\ud" in text else text


def _without_lone_surrogate(found: re.Match[str]) -> str:
    lone = found["lone"]
    if lone is None:
        return found[0]
    return without_surrogates(chr(int(lone, 16))).replace("\\", "\\\\")


def _plain(value: object) -> object:
    """Return *value* if JSON knows it, else its text."""
    try:
        json.dumps(value, allow_nan=False)
    except Exception:  # noqa: BLE001 - see above
        is_number = isinstance(value, float) and not math.isfinite(value)
        return str(value) if is_number else _text(value)
    return value


def _text(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - of the class of the user
        return f"<{type(value).__qualname__}>"
