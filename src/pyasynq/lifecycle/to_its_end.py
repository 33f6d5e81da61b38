"""Waits for work that has to end in order, even if whoever waits is cancelled again and again."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def to_its_end(work: "asyncio.Task[T]", stop: Callable[[], object]) -> T:
    """Wait until *work* has ended, and return or raise what it did.

    A cancellation of the caller is raised after that, so nothing of the work is left behind. anyio
    cancels what runs in a cancelled scope again and again, which changes nothing.

    Args:
        stop: called at the first cancellation, to ask the work to end.
    """
    cancellation: asyncio.CancelledError | None = None
    while not work.done():
        try:
            await asyncio.wait({work})
        except asyncio.CancelledError as error:
            if cancellation is None:
                cancellation = error
                stop()
    result = work.result()
    if cancellation is not None:
        raise cancellation
    return result
