"""The event loops that tests run on: asyncio's own, and uvloop's, which a worker prefers."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import pytest

T = TypeVar("T")

# Gives a test, which must not be async, the name of a loop for `run_on`.
on_each_loop = pytest.mark.parametrize("loop_name", ["asyncio", "uvloop"])


def run_on(loop_name: str, test: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a new loop of this kind."""
    with asyncio.Runner(loop_factory=_factory(loop_name)) as runner:
        return runner.run(test)


def _factory(loop_name: str) -> Callable[[], asyncio.AbstractEventLoop] | None:
    if loop_name == "asyncio":
        return None
    factory: Callable[[], asyncio.AbstractEventLoop]
    factory = pytest.importorskip("uvloop").new_event_loop  # Windows does not have it
    return factory
