"""Ctrl-C during long work: the first asks it to stop at a good point, the second ends it."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def asked_to_stop() -> Iterator[Callable[[], bool]]:
    """Return a function that tells whether the user has pressed Ctrl-C meanwhile."""
    asked: list[int] = []

    def handle(number: int, frame: object) -> None:
        del frame
        asked.append(number)
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield lambda: bool(asked)
    finally:
        signal.signal(signal.SIGINT, before)
