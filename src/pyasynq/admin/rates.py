"""Counts and shares, for people."""


def rate(failed: int, processed: int) -> str:
    """Return which share of what was processed has failed, in per cent; "N/A" of nothing."""
    return f"{failed / processed:.2%}" if processed else "N/A"


def counted(count: int, noun: str) -> str:
    """Return how many there are of something, such as "1 task" or "2,000 tasks"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
