"""Signals that this process handles, and that the children it forks must not.

A fork inherits what its parent does on a signal. A child of a handler, such as a process of a
`multiprocessing.Pool`, would survive the SIGTERM that is to end it, and its event loop would even
pass it on: the descriptor that wakes the loop is shared, so the worker itself would shut down. A
child therefore gets back what was in place before this process took the signals over.

Signals are held back during a fork, for one that arrives earlier would still be passed on.
"""

import os
import signal
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

Handler = Callable[[int, FrameType | None], Any] | int | signal.Handlers | None

_taken: dict[int, tuple[Handler, Handler]] = {}  # number → what was in place before, and is now
_forking = threading.local()


def take_over(number: int, handler: Callable[[int, FrameType | None], Any]) -> None:
    """Let *handler* react to signal *number* in this process from now on."""
    before = signal.signal(number, handler)
    _taken[number] = before, handler


def ignore(_number: int, _frame: FrameType | None) -> None:
    """Do nothing on a signal; unlike SIG_IGN, programs that are started do not inherit that."""


@contextmanager
def taken_over(numbers: Collection[int], take: Callable[[], object]) -> Iterator[None]:
    """Call *take*, which handles signals in its own way, and keep them from forks during a block.

    Args:
        numbers: of the signals that *take* may handle.
    """
    before = {number: signal.getsignal(number) for number in numbers}
    take()
    _taken.update((each, (before[each], signal.getsignal(each))) for each in numbers)
    try:
        yield
    finally:
        for number in numbers:
            _taken.pop(number, None)


def _before_fork() -> None:
    _forking.mask = signal.pthread_sigmask(signal.SIG_BLOCK, list(_taken)) if _taken else None


def _after_fork_in_parent() -> None:
    if _forking.mask is not None:
        signal.pthread_sigmask(signal.SIG_SETMASK, _forking.mask)


def _after_fork_in_child() -> None:
    if _forking.mask is None:
        return
    signal.set_wakeup_fd(-1)
    for number, (before, ours) in _taken.items():
        # Somebody may have replaced ours since; None was not put in place by Python.
        if signal.getsignal(number) == ours and before is not None:
            signal.signal(number, before)
    _taken.clear()
    signal.pthread_sigmask(signal.SIG_SETMASK, _forking.mask)


os.register_at_fork(
    before=_before_fork,
    after_in_parent=_after_fork_in_parent,
    after_in_child=_after_fork_in_child,
)
