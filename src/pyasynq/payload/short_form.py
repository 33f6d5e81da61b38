"""Values as errors show them: short, and never what looks like a secret."""

import re
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from msgspec import UNSET

LONGEST = 40  # characters

_SHOWN = (str, bytes, int, float, Decimal, date, time, timedelta, UUID)
_SECRET = re.compile(
    r"passw|passphrase|secret|token|credential|authoriz|cookie|session|private|api_?key",
    re.IGNORECASE,
)
_STEP = re.compile(r"\.(?P<key>[^.\[]+)|\[(?P<at>\d+)\]")


def short_form(value: object, path: str = "") -> str:
    """Return *value* in short; empty for containers and objects, and below a secret name.

    Args:
        value: anything.
        path: where it stands in its document.
    """
    if not isinstance(value, _SHOWN) or _SECRET.search(path):
        return ""
    cut = value[: LONGEST + 1] if isinstance(value, str | bytes) else value
    try:
        text = repr(cut)
    except ValueError:  # an int of too many digits
        return ""
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def value_at(path: str, document: Any) -> Any:
    """Return what stands at *path*, such as ``$.items[3].name``; UNSET if that is unknown."""
    end = 1
    for step in _STEP.finditer(path):
        if step.start() != end:
            return UNSET
        end = step.end()
        try:
            document = document[step["key"] or int(step["at"])]
        except (LookupError, TypeError, ValueError):
            return UNSET
    return document if path.startswith("$") and end == len(path) else UNSET
