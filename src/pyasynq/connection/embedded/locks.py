"""Locks on files. The system takes them from a process that is gone, however it went."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


def hold(path: Path, *, is_shared: bool = False) -> int:
    """Wait for the lock and return the open file that holds it.

    The lock ends when the file and all its copies in other processes are closed. A program that
    this process starts has no copy, unless the file is passed to it.
    """
    import fcntl  # noqa: PLC0415 - not on Windows

    file = _open(path)
    try:
        fcntl.flock(file, fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX)
    except BaseException:
        os.close(file)
        raise
    return file


def try_hold(path: Path) -> int | None:
    """Return the open file that holds the exclusive lock; None if somebody else has it."""
    import fcntl  # noqa: PLC0415 - not on Windows

    file = _open(path)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    return file


def is_held(path: Path) -> bool:
    """Return whether anybody has the lock."""
    file = try_hold(path)
    if file is None:
        return True
    os.close(file)
    return False


@contextlib.contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold the exclusive lock for a while."""
    file = hold(path)
    try:
        yield
    finally:
        os.close(file)


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
