"""Shows on a terminal how far long work is; where there is none, nothing is shown."""

import sys
from collections.abc import Callable

WIDTH = 20  # columns of the bar


def progress_bar() -> Callable[[int, int], None] | None:
    """Return what shows how much is done of how much, on stderr; None where it is no terminal."""
    if not sys.stderr.isatty():
        return None

    def show(done: int, total: int) -> None:
        end = "\n" if done >= total else ""
        sys.stderr.write(f"\r{bar(done, total)}{end}")
        sys.stderr.flush()

    return show


def bar(done: int, total: int) -> str:
    """Return a bar with the numbers behind it, such as ``[#####-----] 5 of 10 (50%)``."""
    share = min(1.0, done / max(total, 1))
    marks = "#" * int(share * WIDTH)
    return f"[{marks:-<{WIDTH}}] {done:,} of {total:,} ({share:.0%})"
