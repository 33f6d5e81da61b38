"""What a handler does besides being counted: nothing, block, or compute. Standard library only."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any


def effort(given: dict[str, Any]) -> Callable[[], None]:
    """Return what the parameters `block_ms` and `compute_ms` ask for; a no-op without them."""
    if given.get("block_ms"):
        return partial(time.sleep, given["block_ms"] / 1e3)
    if given.get("compute_ms"):
        return partial(compute, given["compute_ms"] / 1e3)
    return nothing


def nothing() -> None:
    """Do nothing."""


def compute(cpu_s: float) -> None:
    """Keep the interpreter busy until this thread has used that much CPU time."""
    end_s = time.thread_time() + cpu_s
    while time.thread_time() < end_s:
        sum(number * number for number in range(50))
