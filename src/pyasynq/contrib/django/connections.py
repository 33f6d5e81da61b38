"""Connections to databases that have gone stale are closed, so that Django opens new ones.

Django does that around requests. A worker has none, so it does the same around handlers: in the
thread of a plain one, and for coroutine functions in the thread in which asgiref calls the models.
"""

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, suppress

from asgiref.sync import SyncToAsync
from django.db import connections


@contextmanager
def fresh() -> Iterator[None]:
    """Close the stale connections of this thread before and after a block.

    Stale is what is older than CONN_MAX_AGE or does not work any more.
    """
    close_stale()
    try:
        yield
    finally:
        close_stale()


def close_stale() -> None:
    """Close the stale connections of this thread, but for those inside of ``atomic``.

    Django's own function closes these too, and with them the transaction of a test.
    """
    for each in connections.all(initialized_only=True):
        if not each.in_atomic_block:
            each.close_if_unusable_or_obsolete()


class CoroutineThread:
    """The thread in which coroutine functions use the models.

    It does one thing after the other, so nobody needs to wait here: what a handler asks for later
    finds fresh connections. Requests that come before the thread is at it are one.
    """

    def __init__(self) -> None:
        self._is_asked = False

    def close_stale(self) -> None:
        """Have the stale connections of the thread closed soon; never blocks."""
        if self._is_asked:
            return
        executor: Executor = SyncToAsync.single_thread_executor
        self._is_asked = True
        with suppress(RuntimeError):  # the interpreter ends
            executor.submit(self._close)

    def _close(self) -> None:
        self._is_asked = False
        close_stale()
