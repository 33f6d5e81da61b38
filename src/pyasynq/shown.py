"""How texts of others are shown to people: names in Redis may be of any length, and any bytes."""

from collections.abc import Collection
from datetime import timedelta
from itertools import islice

LONGEST = 100
LONGEST_ERROR = 1000  # characters of the text of an error, which may name many things
MOST = 10  # names in one line of the log
UNITS = (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))


def shown(text: str, longest: int = LONGEST) -> str:
    r"""Return *text* for a line of a log or a terminal: printable, and cut if it is long.

    Bytes that are not UTF-8, which are surrogates in *text*, and what cannot be printed are
    escaped, as in ``ol\xe9``. The length of what was cut is told.
    """
    if len(text) <= longest and text.isprintable():
        return text
    cut = text[:longest]
    data = without_surrogates(cut)
    printable = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in data)
    more = len(text) - len(cut)
    return f"{printable}… ({more} more characters)" if more else printable


def listed(names: Collection[str], most: int = MOST) -> str:
    """Return the first *most* of some *names*, quoted, such as ``'a', 'b' and 2 more``."""
    some = ", ".join(repr(shown(name)) for name in islice(names, most))
    more = len(names) - most
    return f"{some} and {more} more" if more > 0 else some


def span(length: timedelta) -> str:
    """Return a length in its two largest units, such as ``3h 5m``."""
    left = max(0, int(length.total_seconds()))
    if not left:
        return "0s"
    at = next(at for at, (_name, size) in enumerate(UNITS) if left >= size)
    parts = []
    for name, size in UNITS[at : at + 2]:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count}{name}")
    return " ".join(parts)


def without_surrogates(text: str) -> str:
    r"""Return *text* as it can be encoded: bytes that are not UTF-8 are escaped, as in ``ol\xe9``.

    They are surrogates in *text*; others, which JSON may hold, are escaped as in ``\ud800``.
    """
    return "".join(_escaped(each) if "\ud800" <= each <= "\udfff" else each for each in text)


def _escaped(surrogate: str) -> str:
    code = ord(surrogate)
    is_byte = 0xDC80 <= code <= 0xDCFF  # noqa: PLR2004 - PEP 383
    return f"\\x{code - 0xDC00:02x}" if is_byte else f"\\u{code:04x}"
