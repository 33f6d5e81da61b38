"""What a call answers, in words that both languages share."""

from dataclasses import dataclass
from typing import Any

from pyasynq.errors import (
    ConfigError,
    DuplicateTaskError,
    PayloadError,
    PyasynqError,
    QueueAlreadyPausedError,
    QueueNotEmptyError,
    QueueNotFoundError,
    QueueNotPausedError,
    StateError,
    TaskIdConflictError,
    TaskNotFoundError,
    TaskStateError,
)


@dataclass(frozen=True, slots=True)
class Failed:
    """A call that failed.

    Attributes:
        why: "invalid" for wrong arguments.
    """

    why: str


Answer = Any  # numbers, texts, lists and dicts, or Failed

OURS: dict[type[PyasynqError], str] = {
    ConfigError: "invalid",
    DuplicateTaskError: "duplicate",
    TaskIdConflictError: "conflict",
    QueueNotFoundError: "no such queue",
    TaskNotFoundError: "no such task",
    TaskStateError: "wrong state",
    QueueNotEmptyError: "queue not empty",
    QueueAlreadyPausedError: "already paused",
    QueueNotPausedError: "not paused",
    StateError: "tasks run",
    PayloadError: "unreadable",
}
OF_GO = {
    "ErrDuplicateTask": "duplicate",
    "ErrTaskIDConflict": "conflict",
    "ErrQueueNotFound": "no such queue",
    "ErrQueueNotEmpty": "queue not empty",
    "ErrTaskNotFound": "no such task",
}
# Parts of the texts of errors that have no name in Go's public API.
IN_TEXTS_OF_GO = {
    "does not exist": "no such queue",
    "is already running": "wrong state",
    "already in pending state": "wrong state",
    "is already archived": "wrong state",
    "in active state": "wrong state",
    "not in scheduled state": "wrong state",
    "id not found in": "wrong state",
    "task is not found in": "wrong state",
    "is already paused": "already paused",
    "is not paused": "not paused",
    "with active tasks": "tasks run",
    "cannot be empty": "invalid",
    "must contain one or more characters": "invalid",
    "asynq: err": "invalid",  # what ArchiveTask says of a blank queue
    "cannot be less than 1s": "invalid",
    "must be positive": "invalid",
    "decode": "unreadable",
    "perform arithmetic on": "script broken",
}


def failure_of_go(**error: str) -> str:
    """Return why Go failed; the text of the error if it is not known here."""
    if error["is"]:
        return OF_GO[error["is"]]
    return next(
        (why for part, why in IN_TEXTS_OF_GO.items() if part in error["text"]), error["text"]
    )


def kind(answer: Answer) -> str:
    """Return what to count an answer as."""
    match answer:
        case Failed(why):
            return why
        case {"state": state, "id": _}:
            return str(state)
        case int() | list() | str():
            return "some" if answer else "none"
        case _:
            return "done"
