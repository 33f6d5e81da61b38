"""Tasks that are enqueued after the commit of a session."""

import logging
from contextlib import ExitStack
from typing import Any, ParamSpec, TypeVar

import msgspec

from pyasynq.app import TaskDefinition, TaskHandle
from pyasynq.app.clients import Clients
from pyasynq.contrib.sqlalchemy.commits import AnySession, at_commit, plain_session
from pyasynq.contrib.sqlalchemy.storing import store_all
from pyasynq.errors import ConfigError
from pyasynq.identifiers import new_task_id
from pyasynq.options import DEFAULT_QUEUE
from pyasynq.task import Task

P = ParamSpec("P")
R = TypeVar("R")

logger = logging.getLogger("pyasynq.sqlalchemy")


class _Deferred(msgspec.Struct):
    """A task that waits for a commit, and where it is stored then."""

    task: Task
    clients: Clients


def enqueue_after_commit(
    session: AnySession,
    task: TaskDefinition[P, R, Any, ...],
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> TaskHandle[R]:
    """Enqueue a call of a task when the transaction of *session* is committed; never if it is not.

    The arguments are checked and encoded now. Tasks are stored together, in order, after the
    outermost commit, when the session has given its database connection back. A savepoint that is
    rolled back takes its tasks with it, and so does a session that is closed without a commit.
    What `process_in` and `expires` count is counted from the commit on.

    If Redis is away then, the tasks are lost, although the transaction is committed: `commit`
    raises a RedisUnavailableError that says so, and the log names them. Use an `Outbox` for tasks
    that must not be lost. A task that is refused since it exists already is logged.

    Args:
        session: a Session, an AsyncSession, or a scoped one.
        task: may have options of its own, as in ``send.options(queue="low")``.
        args, kwargs: as for `TaskDefinition.enqueue`.

    Returns:
        A handle on the task, which has its ID already.

    Raises:
        TypeError, PayloadError: see `TaskDefinition.enqueue`; nothing will be sent.
        ConfigError: *session* is no session, or *task* is no task.
        ServerStateError: the session has no transaction, and begins none by itself.
    """
    plain = plain_session(session)
    bound, handle = bound_call(task, args, kwargs)
    at_commit(plain, _store, _Deferred(bound, task._clients))  # noqa: SLF001 - for integrations
    return handle


def bound_call(
    task: TaskDefinition[P, R, Any, ...], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Task, TaskHandle[R]]:
    """Return the task of a call, whose ID is chosen now, and a handle on it.

    Raises:
        TypeError, PayloadError, ConfigError: as above.
    """
    if not isinstance(task, TaskDefinition):
        raise ConfigError(
            f"this needs a task, a function decorated with @app.task, not {type(task).__name__}"
        )
    options = task.default_options
    task_id = options.task_id or new_task_id()
    named = task.options(task_id=task_id)
    return named.bind(*args, **kwargs), task.handle(task_id, options.queue or DEFAULT_QUEUE)


def _store(waiting: list[_Deferred]) -> None:
    """Store tasks whose transaction is committed."""
    by_app: dict[int, list[_Deferred]] = {}
    for deferred in waiting:
        by_app.setdefault(id(deferred.clients), []).append(deferred)
    with ExitStack() as stack:  # which goes on although the Redis of one App is away
        for its in reversed(by_app.values()):
            stack.callback(_store_of_an_app, [each.task for each in its], its[0].clients)


def _store_of_an_app(tasks: list[Task], clients: Clients) -> None:
    try:
        results = store_all(
            clients, tasks, what="a commit that enqueues", instead="AsyncSession.commit"
        )
    except BaseException as error:
        names = ", ".join(f"{each.type}[{each.options.task_id}]" for each in tasks)
        logger.error("not enqueued after a commit, so they may be lost: %s", names)  # noqa: TRY400 - raised
        error.add_note(f"the transaction is committed, but these tasks may be lost: {names}")
        raise
    for task, result in zip(tasks, results, strict=True):
        if result.error is not None:
            logger.warning("not enqueued after a commit: %s: %s", task.type, result.error)
