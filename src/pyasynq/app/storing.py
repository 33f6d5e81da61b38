"""Stores the calls of one `enqueue_many`, chunk by chunk, with a client of either kind."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from pyasynq.app.calls import Calls, NotEnqueued
from pyasynq.app.handle import TaskHandle
from pyasynq.errors import PyasynqError, RedisUnavailableError
from pyasynq.options import Duration
from pyasynq.task import TaskInfo

if TYPE_CHECKING:
    from pyasynq.client import Client
    from pyasynq.client_async import AsyncClient

R = TypeVar("R")
HandleOf = Callable[[str, str], TaskHandle[R]]
"""Makes a handle of an ID and a queue."""


def stored(
    client: "Client", calls: Calls, handle_of: HandleOf[R], patience: Duration | None
) -> list[TaskHandle[R] | NotEnqueued]:
    """Store the calls; return for each, in order, its handle, or why it was not enqueued.

    Args:
        patience: of each round trip; None for that of the client.

    Raises:
        RedisUnavailableError: some calls have no answer; `results` has the TaskInfo or the
            NotEnqueued of each call that was read, None for those.
        PyasynqError: Redis refused the first chunk as a whole; nothing was stored.
    """
    for tasks in calls.chunks():
        try:
            calls.take(client.enqueue_many(tasks, patience=patience))
        except PyasynqError as error:
            raise _interrupted(calls, error) from error
    return _items(calls, handle_of)


async def astored(
    client: "AsyncClient", calls: Calls, handle_of: HandleOf[R], patience: Duration | None
) -> list[TaskHandle[R] | NotEnqueued]:
    """Store the calls; like `stored`, for async code."""
    for tasks in calls.chunks():
        try:
            calls.take(await client.enqueue_many(tasks, patience=patience))
        except PyasynqError as error:
            raise _interrupted(calls, error) from error
    return _items(calls, handle_of)


def _items(calls: Calls, handle_of: HandleOf[R]) -> list[TaskHandle[R] | NotEnqueued]:
    return [
        handle_of(each.id, each.queue) if isinstance(each, TaskInfo) else each
        for each in calls.outcomes
        if each is not None
    ]


def _interrupted(calls: Calls, error: PyasynqError) -> PyasynqError:
    """Return the error for the calls that have no answer, with what became of the others."""
    may_have_happened = False
    if isinstance(error, RedisUnavailableError):
        may_have_happened = error.may_have_happened
        if error.results:
            calls.take(error.results)
    outcomes = calls.outcomes
    count = sum(isinstance(each, TaskInfo) for each in outcomes)
    if not isinstance(error, RedisUnavailableError) and not count:
        return error
    return RedisUnavailableError(
        f"{count} of the {len(outcomes)} calls read so far are enqueued: {error}",
        may_have_happened=may_have_happened,
        results=tuple(outcomes),
    )
