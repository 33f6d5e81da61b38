"""What a request asks for: its parameters, and its body."""

import re
from typing import TypeVar

import msgspec

from pyasynq.web.refusal import Refusal
from pyasynq.web.routing import Call, Parameter

T = TypeVar("T")

MOST_BYTES = 1_000_000  # of a body; asynqmon v0.7.2 task_handlers.go maxRequestBodySize
LARGEST_PAGE = 1000
DEFAULT_PAGE = 20
MOST = 2**53
INT64 = 2**63

PAGING = (
    Parameter(
        name="size",
        meaning="How many tasks a page has, at most 1,000; what is not a number is ignored.",
        kind="integer",
        default=DEFAULT_PAGE,
    ),
    Parameter(
        name="page",
        meaning="Number of the page, from 1; what is not a number is ignored.",
        kind="integer",
        default=1,
    ),
)

_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")


def page_of(call: Call) -> tuple[int, int]:
    """Return which page is asked for, and how many tasks it has; 0 for a page without tasks.

    asynqmon v0.7.2 task_handlers.go getPageOptions: what is not a number is ignored.
    """
    size = _number_or(call, "size", DEFAULT_PAGE)
    page = _number_or(call, "page", 1)
    return min(max(page, 1), MOST // LARGEST_PAGE), min(max(size, 0), LARGEST_PAGE)


def number(call: Call, name: str, default: int, *, least: int, most: int) -> int:
    """Return a number that is asked with.

    Raises:
        Refusal: it is not a number, or out of range.
    """
    text = call.query.get(name, "")
    if not text:
        return default
    value = whole_number(text)
    if value is None or not least <= value <= most:
        raise Refusal(
            400,
            f"{name} must be a whole number from {least} to {most}",
            key="number",
            values={"name": name, "least": least, "most": most},
        )
    return value


async def body_of(call: Call, kind: type[T]) -> T:
    """Return the body of a request, as *kind*.

    Raises:
        Refusal: it is too large, no JSON, or of another form.
    """
    data = await read_body(call)
    if data.strip() == b"null":  # Go reads it as an empty object
        data = b"{}"
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refusal(400, f"the body cannot be read: {error}") from error


async def read_body(call: Call) -> bytes:
    """Return the body of a request.

    Raises:
        Refusal: it is too large.
    """
    parts: list[bytes] = []
    size = 0
    async for part in call.request.stream():
        size += len(part)
        if size > MOST_BYTES:
            raise Refusal(400, f"the body is too large: it may have {MOST_BYTES:,} bytes")
        parts.append(part)
    return b"".join(parts)


def _number_or(call: Call, name: str, default: int) -> int:
    value = whole_number(call.query.get(name, ""))
    return default if value is None else value


def whole_number(text: str) -> int | None:
    """Return the number of 64 bits that Go reads in *text*; None if it is none."""
    value = int(text) if _WHOLE.fullmatch(text) else None
    return value if value is not None and -INT64 <= value < INT64 else None
