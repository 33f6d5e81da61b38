"""How many columns of a terminal a text takes, in any script."""

from wcwidth import wcswidth, wcwidth


def width_of(text: str) -> int:
    """Return how many columns *text*, which must be printable, takes."""
    if text.isascii():
        return len(text)
    width = int(wcswidth(text))
    # It knows a character less than Python does.
    return width if width >= 0 else sum(max(0, wcwidth(each)) for each in text)


def cut_to(text: str, width: int) -> str:
    """Return *text*, with an ellipsis for what does not fit into *width* columns."""
    if width_of(text) <= width:
        return text
    end = min(len(text), width)
    while end and width_of(text[:end]) > width - 1:
        end -= 1
    return f"{text[:end]}…" if width > 0 else ""


def padded(text: str, width: int) -> str:
    """Return *text* with spaces behind it, *width* columns in all."""
    return text + " " * (width - width_of(text))
