"""Waits for what other processes do and do not signal."""

import asyncio
import time
from collections.abc import Callable

POLL_S = 0.01


def eventually(condition: Callable[[], object], *, within_s: float = 45.0) -> None:
    """Wait until *condition* is true; *within_s* only ends broken tests."""
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, f"not within {within_s} s: {condition}"
        time.sleep(POLL_S)


async def eventually_async(condition: Callable[[], object], *, within_s: float = 45.0) -> None:
    """Like `eventually`, while the loop goes on."""
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, f"not within {within_s} s: {condition}"
        await asyncio.sleep(POLL_S)
