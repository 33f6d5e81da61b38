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


def wrapped(text: str, width: int, *, indent: int = 0) -> list[str]:
    """Return *text* in lines of at most *width* columns; only a longer word makes a longer line.

    Args:
        text: one line.
        width: columns of a line.
        indent: spaces before every line but the first.
    """
    begin = " " * (len(text) - len(text.lstrip(" ")))
    lines: list[str] = []
    line = begin
    for word in text.split():
        joined = line + word if not line.strip() else f"{line} {word}"
        if line.strip() and width_of(joined) > width:
            lines.append(line)
            joined = " " * indent + word
        line = joined
    return [*lines, line]
