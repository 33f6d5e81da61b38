"""Which IDs may be meant by one that does not exist."""

from collections.abc import Iterable

MOST = 3
LEAST_BEGINNING = 4  # characters by which the beginning of an ID is recognised
SIMILAR = 0.85  # of two IDs; random UUIDs resemble each other by less than 0.7


def near_ids(task_id: str, listed: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return those of *listed*, each an ID and its state, that resemble *task_id*, the best first.

    An ID that begins with it, or differs only in case and spaces, resembles it most.
    """
    rated = ((_likeness(task_id, each), each, state) for each, state in dict(listed).items())
    best = sorted((each for each in rated if each[0] >= SIMILAR), key=lambda each: -each[0])
    return tuple((each, state) for _likeness, each, state in best[:MOST])


def _likeness(word: str, other: str) -> float:
    plain, other_plain = word.strip().lower(), other.strip().lower()
    if plain == other_plain:
        return 2.0
    if len(plain) >= LEAST_BEGINNING and other_plain.startswith(plain):
        return 1.0
    from difflib import SequenceMatcher  # noqa: PLC0415 - only a mistake needs it

    matcher = SequenceMatcher(None, other_plain, plain, autojunk=False)
    if min(matcher.real_quick_ratio(), matcher.quick_ratio()) < SIMILAR:
        return 0.0
    return matcher.ratio()
