"""Guesses which word is meant by one that is unknown."""

from collections.abc import Collection, Iterable, Mapping

OTHER_WORDS: Mapping[str, str] = {
    "countdown": "process_in",
    "defer_by": "process_in",
    "defer_until": "process_at",
    "delay": "process_in",
    "eta": "process_at",
    "expires_in": "expires",
    "id": "task_id",
    "job_id": "task_id",
    "job_timeout": "timeout",
    "keep_result": "retention",
    "lock": "unique",
    "max_attempts": "max_retry",
    "queue_name": "queue",
    "result_expires": "retention",
    "result_ttl": "retention",
    "retries": "max_retry",
    "schedule_at": "process_at",
    "soft_time_limit": "timeout",
    "time_limit": "timeout",
    "ttl": "retention",
    "unique_for": "unique",
}
"""Options as other task queues call them, and as we do."""


def nearest(word: str, words: Iterable[str]) -> str | None:
    """Return the one of *words* that *word* resembles most; None if it resembles none."""
    from difflib import get_close_matches  # noqa: PLC0415 - only a mistake needs it

    close = get_close_matches(word, list(words), n=1)
    return close[0] if close else None


def meant(word: str, words: Collection[str]) -> str | None:
    """Return the one of *words* that *word* means elsewhere, or resembles; None if none."""
    other = OTHER_WORDS.get(word)
    return other if other in words else nearest(word, words)
