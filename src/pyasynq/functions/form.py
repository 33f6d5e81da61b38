"""Whether a function of the user has the form that its decorator wants: told at once, not later."""

import inspect
import sys
from collections.abc import Callable
from typing import Any

_COUNTS = "no argument", "one argument", "2 arguments"


def form_fault(
    what: str, function: Any, wanted: str, parameters: int, *, may_yield: bool = False
) -> str | None:
    """Return what is wrong with a function that is to be registered; None if it is good.

    Args:
        what: the function is to be, such as "a middleware".
        wanted: how it is written, such as ``async def middleware(ctx, call_next)``.
        parameters: how many arguments it is called with.
        may_yield: it may be a generator function.
    """
    advice = f"write `{wanted}`"
    if inspect.isclass(function):
        return f"{what} must be a function, not the class {function.__name__!r}; {advice}"
    if not callable(function):
        return f"{what} must be a function, not {function!r}; {advice}"
    name = name_of(function)
    if not may_yield and is_generator_function(function):
        return f"{what} must not be a generator function, as {name!r} is; {advice}"
    try:
        inspect.signature(function).bind(*range(parameters))
    except TypeError:
        arguments = _COUNTS[parameters]
        return f"{what} takes {arguments}, but {name!r} does not; {advice}"
    except ValueError:  # a function of an extension, which does not tell its parameters
        return None
    return None


def is_generator_function(function: Any) -> bool:
    """Whether calling *function*, or its ``__call__``, gives a generator, plain or async."""
    return any(
        inspect.isgeneratorfunction(each) or inspect.isasyncgenfunction(each)
        for each in (function, getattr(function, "__call__", None))  # noqa: B004 - not whether
    )


def is_coroutine_function(function: Any) -> bool:
    """Whether *function*, or its ``__call__``, is a coroutine function."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - an object with an async __call__
    )


def mark_as_coroutine_function(instance: Callable[..., Any]) -> None:
    """Let inspect and asyncio tell frameworks that calls of *instance* must be awaited."""
    from asyncio import coroutines  # noqa: PLC0415 - who has coroutine functions has it loaded

    if sys.version_info >= (3, 12):
        inspect.markcoroutinefunction(instance)
    # What asyncio.iscoroutinefunction looks for besides, as long as there is such a thing.
    if hasattr(coroutines, "_is_coroutine"):
        vars(instance)["_is_coroutine"] = coroutines._is_coroutine  # noqa: SLF001 - as said


def name_of(function: Any) -> str:
    """Return the name of *function*, or that of its class if it has none."""
    return getattr(function, "__name__", None) or type(function).__name__
