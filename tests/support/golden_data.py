"""Reads the recorded behaviour of Go Asynq in tests/golden."""

import json
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent.parent / "golden"


@cache
def load(name: str) -> Any:
    """Return the content of ``<name>.json``."""
    return json.loads((FOLDER / f"{name}.json").read_text())


def blob(value: Any) -> bytes:
    """Return the bytes that a recorded byte string stands for."""
    if isinstance(value, str):
        return value.encode()
    if "repeat" in value:
        return bytes.fromhex(value["repeat"]["hex"]) * value["repeat"]["count"]
    return bytes.fromhex(value["hex"])
