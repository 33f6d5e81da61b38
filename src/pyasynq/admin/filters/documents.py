"""Looks into JSON documents that others have written: any bytes, any depth."""

from collections.abc import Sequence
from typing import Any

import msgspec

MISSING = object()


def document(data: bytes) -> Any:
    """Return the value that JSON text stands for; MISSING if it is no JSON."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return MISSING


def value_at(value: Any, path: Sequence[str | int]) -> Any:
    """Return what is at *path*, where -1 is the last element; MISSING if there is nothing."""
    for step in path:
        if isinstance(step, str):
            value = value.get(step, MISSING) if isinstance(value, dict) else MISSING
        else:
            is_there = isinstance(value, list) and -len(value) <= step < len(value)
            value = value[step] if is_there else MISSING
    return value
