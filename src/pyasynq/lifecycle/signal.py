"""Announces what a component has just done, for tests and tools that wait for exactly that."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Signal(Generic[T]):
    """Announcements of one kind, each with a value.

    They are not kept: whoever does not listen at that moment misses an announcement, and an
    announcement that nobody hears costs next to nothing. Use it on one event loop only.
    """

    __slots__ = ("_listeners",)

    def __init__(self) -> None:
        self._listeners: list[asyncio.Queue[T]] = []

    def announce(self, value: T) -> None:
        """Pass *value* to everyone who listens; never waits."""
        if self._listeners:
            for each in self._listeners:
                each.put_nowait(value)

    @contextlib.contextmanager
    def listening(self) -> Iterator[asyncio.Queue[T]]:
        """Give a queue of all that is announced during the block, in order."""
        heard: asyncio.Queue[T] = asyncio.Queue()
        self._listeners.append(heard)
        try:
            yield heard
        finally:
            self._listeners.remove(heard)

    async def until(self, is_so: Callable[[], object]) -> None:
        """Wait until *is_so* returns something true; it is asked now and at each announcement."""
        with self.listening() as heard:
            while not is_so():
                await heard.get()
