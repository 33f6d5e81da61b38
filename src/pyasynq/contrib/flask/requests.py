"""What views of Flask use: handles on tasks, and answers to errors."""

from contextlib import suppress
from typing import Any, TypeVar

from flask import Flask, Response, jsonify, make_response
from werkzeug.exceptions import NotFound

from pyasynq.app import TaskDefinition, TaskHandle
from pyasynq.contrib.http_errors import ANSWERED, answer_to
from pyasynq.errors import ConfigError, NotFoundError

R = TypeVar("R")


def install_error_handlers(flask: Flask) -> None:
    """Answer errors of pyasynq that a request runs into as JSON, with a status that fits.

    | error | status |
    |---|---|
    | `RedisUnavailableError` | 503 with Retry-After; ``may_have_happened`` tells whether the task \
may be stored |
    | `DuplicateTaskError` | 409 with ``holder_id`` |
    | `TaskIdConflictError` | 409 with ``task_id`` and ``state`` |
    | `PayloadError` of a new task | 422 with ``path`` |
    | `TaskNotFoundError`, `QueueNotFoundError`, `ResultNotKeptError` | 404 |
    | `ResultTimeoutError`: not done yet | 409 with ``state`` and Retry-After |
    | `TaskFailedError` | 424 |

    All others are 500, as before. A handler of a blueprint, or one that is registered later, wins.
    """
    for each in ANSWERED:
        flask.register_error_handler(each, _answer)


def handle_or_404(task: TaskDefinition[..., R, Any, ...], task_id: str) -> TaskHandle[R]:
    """Return a handle on the task of this type with this ID, or answer 404.

    An ID of another type of task is not found. It asks Redis once. Who may see the task is for the
    application to check: an ID is hard to guess, but not a secret.

    Raises:
        NotFound: of Werkzeug, which Flask answers; there is no such task.
        RedisUnavailableError: Redis does not answer.
    """
    with suppress(ConfigError, NotFoundError):  # what can be no ID is not found either
        handle = task.handle(task_id)
        if task.handles(handle.info().type):
            return handle
    raise NotFound("there is no such task")


def _answer(error: Exception) -> Response:
    answer = answer_to(error)
    if answer is None:
        raise error
    response = make_response(jsonify(dict(answer.body)), answer.status)
    response.headers.update(answer.headers)
    return response
