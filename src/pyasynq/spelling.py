"""Guesses which word is meant by one that is unknown."""

from collections.abc import Iterable


def nearest(word: str, words: Iterable[str]) -> str | None:
    """Return the one of *words* that *word* resembles most; None if it resembles none."""
    from difflib import get_close_matches  # noqa: PLC0415 - only a mistake needs it

    close = get_close_matches(word, list(words), n=1)
    return close[0] if close else None
