"""Hides what must not be shown: passwords and the like in payloads, results, headers and errors."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from pyasynq.errors import PayloadError
from pyasynq.task import Progress, TaskInfo
from pyasynq.wire.option_text import Option, format_option, parse_option

HIDDEN = "[hidden]"
SECRET_WORDS = (
    *("password", "passwd", "passphrase", "secret", "token", "api_key", "apikey", "access_key"),
    *("private_key", "credential", "authorization", "cookie"),
)

Redactor = Callable[[str, bytes], bytes]
"""Returns what may be shown of the payload, the result, the error and the like of a task.

It is called with what it is, ``payload``, ``result``, ``error``, ``headers.NAME``, ``progress``, or
``options.NAME`` of a periodic task, and the bytes.
"""


class SecretWords:
    """A redactor that hides the values of keys such as "password".

    In JSON, the value of every key that has one of the words in its name is hidden, and so is a
    header of such a name. In other text, what follows ``password=`` or ``password:`` is, and the
    user and the password of a URL.

    Args:
        words: parts of names, in lower case; ``-`` and ``_`` are the same.
    """

    def __init__(self, words: Sequence[str] = SECRET_WORDS) -> None:
        plain = [re.escape(word.replace("-", "_")).replace("_", "[-_ ]?") for word in words]
        self._name = re.compile("|".join(plain) or "(?!)", re.IGNORECASE)
        names = rf"[\w-]*(?:{self._name.pattern})[\w-]*"
        self._given = re.compile(
            rf"""({names}["']?\s*[=:]\s*)(?:(?:Bearer|Basic)\s+)?("[^"]*"|'[^']*'|[^\s,;&]+)""",
            re.IGNORECASE,
        )

    def __call__(self, what: str, data: bytes) -> bytes:
        """Return what may be shown of *data*."""
        if what.startswith("headers.") and self._name.search(what):
            return HIDDEN.encode()
        if what in ("payload", "result"):
            try:
                return self._in_json(data)
            except (msgspec.DecodeError, ValueError, RecursionError):
                pass
        text = data.decode("utf-8", "surrogateescape")
        return self._in_text(text).encode("utf-8", "surrogateescape")

    def _in_json(self, data: bytes) -> bytes:
        document = msgspec.json.decode(data)
        hidden, is_changed = self._hidden(document)
        return msgspec.json.encode(hidden) if is_changed else data

    def _hidden(self, value: Any) -> tuple[Any, bool]:
        """Return a value of JSON without its secrets, and whether it had any."""
        if isinstance(value, str):
            text = self._in_text(value)
            return text, text != value
        if isinstance(value, list):
            each = [self._hidden(item) for item in value]
            return [item for item, _ in each], any(is_changed for _, is_changed in each)
        if not isinstance(value, dict):
            return value, False
        pairs = {
            key: (HIDDEN, True) if self._name.search(key) else self._hidden(item)
            for key, item in value.items()
        }
        is_changed = any(changed for _, changed in pairs.values())
        return {key: item for key, (item, _) in pairs.items()}, is_changed

    def _in_text(self, text: str) -> str:
        return _URL_USER.sub(rf"\1{HIDDEN}@", self._given.sub(rf"\1{HIDDEN}", text))


_URL_USER = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s/@]+@", re.IGNORECASE)


def redacted(task: TaskInfo, redact: Redactor | None) -> TaskInfo:
    """Return a task as it may be shown; the same if there is no redactor."""
    if redact is None:
        return task
    return replace(
        task,
        payload=redact("payload", task.payload),
        result=None if task.result is None else redact("result", task.result),
        headers=redacted_headers(task.headers, redact),
        last_error=redacted_error(task.last_error, redact),
    )


def redacted_headers(headers: Mapping[str, str], redact: Redactor) -> Mapping[str, str]:
    """Return the headers of a task as they may be shown."""
    return {name: _text(redact(f"headers.{name}", _bytes(text))) for name, text in headers.items()}


def redacted_error(text: str, redact: Redactor | None) -> str:
    """Return the text of an error as it may be shown."""
    return text if redact is None or not text else _text(redact("error", _bytes(text)))


def redacted_progress(progress: Progress | None, redact: Redactor | None) -> Progress | None:
    """Return what a handler said as it may be shown."""
    if redact is None or progress is None or not progress.note:
        return progress
    return replace(progress, note=_text(redact("progress", _bytes(progress.note))))


def redacted_option(text: str, redact: Redactor | None) -> str:
    """Return an option of a periodic task, in Go's text form, as it may be shown.

    Names of queues are shown, as everywhere.
    """
    if redact is None:
        return text
    try:
        option = parse_option(text)
    except PayloadError:
        return _text(redact("options", _bytes(text)))
    if option.type == "Queue":
        return format_option(option)
    if option.type == "Header":
        name, value = option.value
        shown = redacted_headers({name: value}, redact)[name]
        return format_option(Option("Header", (name, shown)))
    what = f"options.{option.type}"
    if isinstance(option.value, str):
        shown = _text(redact(what, _bytes(option.value)))
        return format_option(Option(option.type, shown))
    return _text(redact(what, _bytes(text)))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
