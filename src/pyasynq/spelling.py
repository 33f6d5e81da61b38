"""Guesses what is meant by a word that is unknown, and says what to write instead."""

from collections.abc import Collection, Iterable, Mapping

OTHER_WORDS: Mapping[str, str] = {
    "attempts": "max_retry",
    "countdown": "process_in",
    "defer_by": "process_in",
    "defer_until": "process_at",
    "delay": "process_in",
    "delay_s": "process_in",
    "enqueue_at": "process_at",
    "enqueue_in": "process_in",
    "eta": "process_at",
    "execution_timeout": "timeout",
    "expires_at": "expires",
    "expires_in": "expires",
    "id": "task_id",
    "job_id": "task_id",
    "job_timeout": "timeout",
    "keep_result": "retention",
    "labels": "headers",
    "lock": "unique",
    "lock_ttl": "unique",
    "max_age": "expires",
    "max_attempts": "max_retry",
    "max_jobs": "concurrency",
    "max_retries": "max_retry",
    "max_tries": "max_retry",
    "meta": "headers",
    "metadata": "headers",
    "queue_name": "queue",
    "queue_names": "queues",
    "result_expires": "retention",
    "result_ttl": "retention",
    "retries": "max_retry",
    "retry": "max_retry",
    "routing_key": "queue",
    "run_at": "process_at",
    "run_in": "process_in",
    "schedule_at": "process_at",
    "schedule_in": "process_in",
    "scheduled": "process_at",
    "soft_time_limit": "timeout",
    "task_queues": "queues",
    "time_limit": "timeout",
    "timeout_s": "timeout",
    "unique_for": "unique",
    "worker_concurrency": "concurrency",
    "workers": "concurrency",
}
"""Options and settings as other task queues call them, and as we do."""

_LISTEN = 'listen with @app.on("succeeded") or @app.on("failed")'
_EVERY = "every exception is retried; `raise SkipRetry()` and is_failure=… decide otherwise"
_BACKOFF = "write retry_delay=retry.exponential(…) in @app.task"
_KEPT = "a result is kept if the task has a retention"
_OF_THE_TASK = "it belongs to the task: @app.task takes it"
_TYPE = 'the task type comes first, as in @app.task("email:welcome")'

EXPLANATIONS: Mapping[str, str] = {
    "acks_late": "a task leaves Redis only when it is done",
    "actor_name": _TYPE,
    "aliases": _OF_THE_TASK,
    "args": "arguments come last, as in resize.options(…).enqueue(…)",
    "autoretry_for": _EVERY,
    "bind": "for its context let the first parameter be one annotated TaskContext",
    "default_retry_delay": "write retry_delay=retry.fixed(…) in @app.task",
    "depends_on": "enqueue the next task at the end of the one before it",
    "executor": _OF_THE_TASK,
    "failure_ttl": "the App says for how long failures are kept: archive_max_age, archive_max_size",
    "ignore_result": _KEPT,
    "is_failure": _OF_THE_TASK,
    "kwargs": "arguments come last, as in resize.options(…).enqueue(…)",
    "link": "enqueue the next task at the end of the one before it",
    "max_backoff": _BACKOFF,
    "max_deferrals": _OF_THE_TASK,
    "min_backoff": _BACKOFF,
    "name": _TYPE,
    "on_failure": _LISTEN,
    "on_success": _LISTEN,
    "priority": 'queues have priorities, as in App(queues={"critical": 6, "default": 1})',
    "retry_backoff": _BACKOFF,
    "retry_delay": _OF_THE_TASK,
    "retry_for": _EVERY,
    "retry_when": _EVERY,
    "serializer": "payloads are JSON",
    "store_results": _KEPT,
    "task_name": _TYPE,
    "throws": _EVERY,
    "ttl": "expires bounds how long it may wait, retention how long its result is kept",
    "type": _TYPE,
}
"""Options of other task queues that have no counterpart, and what there is instead."""


def nearest(word: str, words: Iterable[str], *, likeness: float = 0.6) -> str | None:
    """Return the one of *words* that *word* resembles most; None if it resembles none.

    Args:
        likeness: how much it must resemble, from 0 to 1.
    """
    from difflib import get_close_matches  # noqa: PLC0415 - only a mistake needs it

    close = get_close_matches(word, list(words), n=1, cutoff=likeness)
    return close[0] if close else None


def meant(word: str, words: Collection[str]) -> str | None:
    """Return the one of *words* that *word* means elsewhere, or resembles; None if none."""
    return translated(word, words) or nearest(word, words)


def translated(word: str, words: Collection[str]) -> str | None:
    """Return the one of *words* that *word* is, or means elsewhere; None if none.

    Underscores and "default" before it, as in ``_job_id`` and ``default_timeout``, do not count.
    """
    plain = word.strip("_").removeprefix("default_")
    return next((each for each in (plain, OTHER_WORDS.get(plain)) if each in words), None)


def hint(word: str, words: Collection[str], explanations: Mapping[str, str] = EXPLANATIONS) -> str:
    """Return what to write instead of *word*, which is none of *words*.

    Args:
        explanations: of words that none of *words* can stand for.
    """
    if word in explanations:
        return explanations[word]
    near = meant(word, words)
    return f"did you mean {near!r}?" if near else f"use one of {', '.join(words)}"
