"""Shows on a terminal how far long work is, and nothing elsewhere."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

WIDTH = 24
LEAST_S = 0.1  # between two pictures
CLEAR = "\r\x1b[K"


class ProgressBar:
    """One line on stderr that is drawn again and again.

    Args:
        is_shown: whether there is a terminal to show it on.

    Attributes:
        is_shown: the same.
    """

    def __init__(self, *, is_shown: bool) -> None:
        self.is_shown = is_shown
        self._drawn_s = float("-inf")

    def show(self, text: str, fraction: float | None = None) -> None:
        """Draw it, but not too often.

        Args:
            text: how far it is, in words.
            fraction: the same from 0 to 1; None if nobody knows.
        """
        now_s = time.monotonic()
        if not self.is_shown or now_s - self._drawn_s < LEAST_S:
            return
        self._drawn_s = now_s
        bar = ""
        if fraction is not None:
            full = round(WIDTH * min(1.0, max(0.0, fraction)))
            bar = f"[{'#' * full}{'.' * (WIDTH - full)}] {min(1.0, fraction):4.0%}  "
        sys.stderr.write(f"{CLEAR}{bar}{text}")
        sys.stderr.flush()

    def count(self, done: int, total: int) -> None:
        """Draw how many are done of *total*; 0 if nobody knows how many there are."""
        if not total:
            self.show(f"{done:,}")
            return
        self.show(f"{done:,} of {max(done, total):,}", done / total)

    def clear(self) -> None:
        """Remove it."""
        if self._drawn_s > 0:
            self._drawn_s = float("-inf")
            sys.stderr.write(CLEAR)
            sys.stderr.flush()


@contextmanager
def progress_bar(*, is_wanted: bool = True) -> Iterator[ProgressBar]:
    """Return a bar that is gone at the end."""
    bar = ProgressBar(is_shown=is_wanted and sys.stderr.isatty())
    try:
        yield bar
    finally:
        bar.clear()
