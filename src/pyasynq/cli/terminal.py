"""What a terminal can show: its width and colours."""

import os
import shutil
from typing import TextIO

STYLES = {"dim": "2", "bold": "1", "red": "31", "green": "32", "yellow": "33"}


def wants_colours(stream: TextIO) -> bool:
    """Whether *stream* is a terminal whose user has not asked for no colours."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


def columns_of(stream: TextIO) -> int | None:
    """Return how many columns the terminal has; None if *stream* is none."""
    return shutil.get_terminal_size().columns if stream.isatty() else None


def styled(text: str, style: str) -> str:
    """Return *text* in a style, such as "bold"."""
    return f"\x1b[{STYLES[style]}m{text}\x1b[0m"
