"""Values as cells of a table: printable, on one line, of bounded length."""

from rich.text import Text

from pyasynq.shown import shown

LONGEST_CELL = 200  # characters, as in the tables of the command line
BREAKS = str.maketrans({"\n": " ", "\r": " ", "\t": " "})
KIBI = 1024


def one_line(value: object, longest: int = LONGEST_CELL) -> str:
    """Return *value* as one printable line; what is longer is cut."""
    text = "" if value is None else str(value)[: longest + 1].translate(BREAKS)
    more = "…" if len(text) > longest else ""
    return shown(text[:longest], longest) + more


def cell(value: object, style: str = "") -> Text:
    """Return *value* as a cell; whatever is in it is no markup."""
    return Text(one_line(value), style=style, no_wrap=True, end="")


def number(value: int, style: str = "") -> Text:
    """Return a count with separators, such as 12,345."""
    return cell(f"{value:,}", style)


def size_text(count: int | None) -> str:
    """Return a number of bytes for people, such as ``1.5 MB``; "-" if it is not known."""
    if count is None:
        return "-"
    left = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if left < KIBI:
            return f"{left:.0f} {unit}" if unit == "B" else f"{left:.1f} {unit}"
        left /= KIBI
    return f"{left:.1f} TB"
