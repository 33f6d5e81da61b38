"""Stores tasks from blocking code, which may be run by an AsyncEngine or an AsyncSession."""

import sys
from collections.abc import Sequence

from sqlalchemy.util.concurrency import await_only, in_greenlet

from pyasynq.app.clients import Clients
from pyasynq.task import EnqueueResult, Task


def is_in_a_greenlet() -> bool:
    """Whether this code is run by SQLAlchemy on behalf of a coroutine, on its event loop."""
    return "greenlet" in sys.modules and in_greenlet()


def store_all(
    clients: Clients, tasks: Sequence[Task], *, what: str, instead: str
) -> list[EnqueueResult]:
    """Store tasks as `App.enqueue_many` does; on behalf of a coroutine without blocking its loop.

    Args:
        what: blocks the loop if it is plain code that runs on it, as the warning calls it.
        instead: what to await then.

    Raises:
        ConfigError, RedisUnavailableError: see `Client.enqueue_many`.
    """
    if is_in_a_greenlet():
        return await_only(_astore_all(clients, tasks))
    clients.warn_inside_loop(what, instead=instead)
    return clients.client().enqueue_many(tasks)


async def _astore_all(clients: Clients, tasks: Sequence[Task]) -> list[EnqueueResult]:
    return await (await clients.async_client()).enqueue_many(tasks)
