"""How attempts are counted, by what became of their tasks; pure."""

from pyasynq.worker.attempt.outcome import (
    Archived,
    Completed,
    Dropped,
    Finished,
    Lost,
    Outcome,
    Requeued,
    Retried,
)

_WORDS: dict[type[Outcome], str] = {
    Finished: "succeeded",
    Completed: "succeeded",
    Archived: "archived",
    Dropped: "dropped",
    Requeued: "requeued",
    Lost: "lost",
}


def word_of(outcome: Outcome) -> str:
    """Return what became of a task, as the last of its events is called."""
    if isinstance(outcome, Retried):
        return "deferred" if outcome.deferred else "retried"
    return _WORDS[type(outcome)]


def is_counted(outcome: Outcome) -> bool:
    """Whether the counter `processed` of its queue has counted an attempt."""
    if isinstance(outcome, Retried):
        return outcome.is_failure
    return not isinstance(outcome, Lost | Requeued)


def is_failure(outcome: Outcome) -> bool:
    """Whether the counter `failed` of its queue has counted an attempt."""
    return is_counted(outcome) and isinstance(outcome, Retried | Archived)
