"""Which errors of pyasynq a web application answers, and how: the same in every framework. No I/O.

Answers tell a caller what to do, and nothing of what is inside: no addresses, no names of queues,
and not the stored error of a task, which may hold anything.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from pyasynq.errors import (
    DuplicateTaskError,
    PayloadError,
    PyasynqError,
    QueueNotFoundError,
    RedisUnavailableError,
    ResultNotKeptError,
    ResultTimeoutError,
    TaskFailedError,
    TaskIdConflictError,
    TaskNotFoundError,
)

AWAY_S, NOT_DONE_S = 5, 1

ANSWERED: tuple[type[PyasynqError], ...] = (
    DuplicateTaskError,
    PayloadError,
    QueueNotFoundError,
    RedisUnavailableError,
    ResultNotKeptError,
    ResultTimeoutError,
    TaskFailedError,
    TaskIdConflictError,
    TaskNotFoundError,
)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a caller is told.

    Attributes:
        status: of HTTP.
        body: a JSON object; ``detail`` is a sentence.
        headers: of HTTP.
    """

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = {}


def answer_to(error: Exception) -> Answer | None:  # noqa: PLR0911 - a table
    """Return what to answer; None if the error is a fault of the application itself.

    A PayloadError is the caller's fault only if arguments of a new task did not fit; else a
    payload or a result was wrong that is stored.
    """
    match error:
        case RedisUnavailableError():
            detail = "the task queue does not answer; try again"
            return Answer(
                status=HTTPStatus.SERVICE_UNAVAILABLE,
                body={"detail": detail, "may_have_happened": error.may_have_happened},
                headers={"Retry-After": f"{AWAY_S}"},
            )
        case DuplicateTaskError():
            body = {"detail": "such a task is enqueued already", "holder_id": error.holder_id}
            return Answer(status=HTTPStatus.CONFLICT, body=body)
        case TaskIdConflictError():
            detail = "a task with this ID exists already"
            body = {"detail": detail, "task_id": error.task_id, "state": error.state}
            return Answer(status=HTTPStatus.CONFLICT, body=body)
        case PayloadError() if error.task_type:
            body = {"detail": str(error.args[0]), "path": error.path}
            return Answer(status=HTTPStatus.UNPROCESSABLE_ENTITY, body=body)
        case TaskNotFoundError() | QueueNotFoundError():
            return Answer(status=HTTPStatus.NOT_FOUND, body={"detail": "there is no such task"})
        case ResultNotKeptError():
            detail = "there is no such task, or its result is not kept"
            return Answer(status=HTTPStatus.NOT_FOUND, body={"detail": detail})
        case ResultTimeoutError():
            return Answer(
                status=HTTPStatus.CONFLICT,
                body={"detail": "the task is not done yet", "state": error.state},
                headers={"Retry-After": f"{NOT_DONE_S}"},
            )
        case TaskFailedError():
            body = {"detail": "the task has failed"}
            return Answer(status=HTTPStatus.FAILED_DEPENDENCY, body=body)
        case _:
            return None
