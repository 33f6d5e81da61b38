"""What a function of the user has returned: a value, or work that has yet to be done.

A plain function may return something to wait for: a decorator without `await` around a coroutine
function returns its coroutine, one that hands the work to a pool of its own returns a future.
Nothing but the value itself tells, for `functools.wraps` makes a wrapper look like what it wraps.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from inspect import isawaitable
from types import AsyncGeneratorType, GeneratorType
from typing import Any

from pyasynq.control_flow import RetryLater, RevokeTask, SkipRetry
from pyasynq.errors import PayloadError

Ended = tuple[Any, BaseException | None]
"""What a function returned, or None and what it raised."""

_ORDERS = SkipRetry, RevokeTask, RetryLater
_UNFINISHED = Future, GeneratorType, AsyncGeneratorType, *_ORDERS


def is_unfinished(value: object) -> bool:
    """Whether *value* stands for work that has yet to be done, or is no value at all; cheap."""
    return hasattr(type(value), "__await__") or isinstance(value, _UNFINISHED)


async def finished(value: object) -> object:
    """Wait for the work that *value* stands for, and return what that comes to.

    Raises:
        PayloadError: it is a generator, which nobody runs, or a RetryLater, SkipRetry or
            RevokeTask, which must be raised.
        BaseException: what the work raised.
    """
    while is_unfinished(value):
        if isinstance(value, Future):
            value = await asyncio.wrap_future(value)
        elif isawaitable(value):
            value = await value
        elif isinstance(value, _ORDERS):
            name = type(value).__name__
            raise PayloadError(f"the function returned {name}; write `raise {name}(…)`")
        else:
            raise PayloadError(
                "the function returned a generator, which never runs; run it in the function"
            )
    return value


def caught(function: Callable[..., Any], *args: Any) -> Ended:
    """Call *function*; its exception is a value, for a future cannot hold every exception."""
    try:
        return function(*args), None
    except BaseException as error:  # noqa: BLE001 - whatever the user's code raises ends nothing
        return None, error
