"""Answers as JSON, in the form in which Go writes it."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import msgspec
from starlette.responses import Response

from pyasynq.web.refusal import Refusal

JSON = "application/json"

# Go escapes these, so that no browser takes JSON for a page.
_ESCAPES = tuple(
    (each.encode(), f"\\u{ord(each):04x}".encode()) for each in ("<", ">", "&", "\u2028", "\u2029")
)


def answer(value: object, status: int = 200) -> Response:
    """Return an answer with a JSON document and a line break."""
    return Response(in_json(value), status, media_type=JSON)


def nothing() -> Response:
    """Return an answer without a body."""
    return Response(status_code=204)


def refused_in_text(refusal: Refusal) -> Response:
    """Return a refusal as asynqmon writes it: a line of text."""
    body = f"{refusal.text}\n" if refusal.text else ""
    return Response(
        body.encode("utf-8", "backslashreplace"),
        refusal.status,
        dict(refusal.headers),
        media_type="text/plain",
    )


def refused_in_json(refusal: Refusal) -> Response:
    """Return a refusal as a JSON document with the field ``error``."""
    response = answer({"error": refusal.text}, refusal.status)
    response.headers.update(refusal.headers)
    return response


def in_json(value: object) -> bytes:
    """Return *value* as JSON and a line break; bytes that are not UTF-8 become U+FFFD, as in Go."""
    try:
        data = msgspec.json.encode(value)
    except UnicodeEncodeError:
        data = msgspec.json.encode(_valid(msgspec.to_builtins(value)))
    for each, escape in _ESCAPES:
        data = data.replace(each, escape)
    return data + b"\n"


def plain(value: Any) -> Any:
    """Return *value* of JSON types: durations in seconds, moments in RFC 3339 form."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, date):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value


def _valid(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if isinstance(value, dict):
        return {_valid(key): _valid(each) for key, each in value.items()}
    return [_valid(each) for each in value] if isinstance(value, list | tuple) else value
