"""Bars of characters that show how a sum is made up."""

from collections.abc import Sequence

from rich.text import Text

FULL = "━"
EMPTY = "─"


def shares(counts: Sequence[int], width: int) -> list[int]:
    """Return how many of *width* characters each count gets.

    What is not zero gets at least one, as long as there are enough; the largest counts give them.
    """
    total = sum(counts)
    if not total or width <= 0:
        return [0] * len(counts)
    parts = [max(1, count * width // total) if count else 0 for count in counts]
    while (over := sum(parts) - width) != 0:
        at = max(range(len(parts)), key=lambda each: (parts[each], counts[each]))
        if over > 0 and parts[at] <= 1:  # more parts than characters: the last ones have none
            at = max(each for each, part in enumerate(parts) if part)
        parts[at] -= 1 if over > 0 else -1
    return parts


def stacked_bar(counts: Sequence[int], styles: Sequence[str], width: int, empty: str) -> Text:
    """Return a bar of *width* characters, a colour for each count; *empty* is that of no sum."""
    bar = Text(no_wrap=True, end="")
    for part, style in zip(shares(counts, width), styles, strict=True):
        bar.append(FULL * part, style)
    bar.append(EMPTY * (width - len(bar.plain)), empty)
    return bar
