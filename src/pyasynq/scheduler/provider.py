"""Where a manager gets its periodic tasks from: a function of the user, or a file."""

import asyncio
import inspect
import os
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Protocol

from pyasynq.errors import ConfigError
from pyasynq.scheduler.config import PeriodicTaskConfig
from pyasynq.scheduler.config_file import read_file

Configs = Iterable[PeriodicTaskConfig]
Provider = Callable[[], Configs | Awaitable[Configs]] | str | os.PathLike[str]
"""A function, plain or async, that returns periodic tasks; or the path of a file."""


class Source(Protocol):
    """What a manager asks for its periodic tasks."""

    async def read(self) -> list[object]:
        """Return what is wanted: a PeriodicTaskConfig for each entry, or why there is none."""

    async def has_changed(self) -> bool:
        """Return whether it is already known that another read returns something else."""


def source_of(provider: object) -> Source:
    """Return how *provider* is asked.

    Raises:
        ConfigError: it is neither a function nor a path.
    """
    if isinstance(provider, str | os.PathLike):
        return _File(Path(os.fsdecode(provider)))
    if callable(provider):
        return _Function(provider)
    kind = type(provider).__name__
    raise ConfigError(f"provider must be a function or the path of a file, not {kind}")


class _Function:
    """A function of the user; a plain one is called in a thread, since it may block."""

    def __init__(self, function: Callable[[], object]) -> None:
        self._function = function
        call = getattr(function, "__call__", None)  # noqa: B004 - an object may have an async one
        self._is_async = any(map(inspect.iscoroutinefunction, (function, call)))

    async def read(self) -> list[object]:
        """See `Source`."""
        returned = self._function() if self._is_async else await asyncio.to_thread(self._function)
        if isinstance(returned, Awaitable):
            returned = await returned
        if isinstance(returned, str | bytes | dict) or not isinstance(returned, Iterable):
            kind = type(returned).__name__
            raise ConfigError(f"the provider must return PeriodicTaskConfig entries, not {kind}")
        return list(returned)

    async def has_changed(self) -> bool:
        """See `Source`."""
        return False


class _File:
    """A file that is watched."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, ...] | None = None

    async def read(self) -> list[object]:
        """See `Source`."""
        self._seen = await asyncio.to_thread(self._stamp)  # before: a change meanwhile is seen
        return list(await asyncio.to_thread(read_file, self._path))

    async def has_changed(self) -> bool:
        """See `Source`."""
        return await asyncio.to_thread(self._stamp) != self._seen

    def _stamp(self) -> tuple[int, ...] | None:
        try:
            status = self._path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size, status.st_ino
