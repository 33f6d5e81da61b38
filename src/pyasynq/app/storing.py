"""Stores the calls of one `enqueue_many`, chunk by chunk, with a client of either kind."""

from typing import TYPE_CHECKING

from pyasynq.app.calls import Calls, NotEnqueued, count_stored
from pyasynq.broker.new_tasks.series import StoredTask, TaskSeries
from pyasynq.errors import EnqueueError, PyasynqError, RedisUnavailableError
from pyasynq.options import Duration
from pyasynq.task import EnqueueResult, TaskInfo

if TYPE_CHECKING:
    from pyasynq.client import Client
    from pyasynq.client_async import AsyncClient


def stored(
    client: "Client", series: TaskSeries, calls: Calls, patience: Duration | None
) -> list[str | NotEnqueued]:
    """Store the calls; return for each, in order, its ID, or why it was not enqueued.

    Args:
        series: what the tasks have in common.
        calls: what they have not.
        patience: of each round trip; None for that of the client.

    Raises:
        RedisUnavailableError: some calls have no answer; `results` has the TaskInfo or the
            NotEnqueued of each call that was read, None for those.
        PyasynqError: Redis refused the first chunk as a whole; nothing was stored.
    """
    for payloads in calls.chunks():
        try:
            calls.take(client._store_series(series, payloads, patience))  # noqa: SLF001 - for Apps
        except PyasynqError as error:
            raise _interrupted(calls, series, error) from error
    return _items(calls)


async def astored(
    client: "AsyncClient", series: TaskSeries, calls: Calls, patience: Duration | None
) -> list[str | NotEnqueued]:
    """Store the calls; like `stored`, for async code."""
    for payloads in calls.chunks():
        try:
            calls.take(await client._store_series(series, payloads, patience))  # noqa: SLF001
        except PyasynqError as error:
            raise _interrupted(calls, series, error) from error
    return _items(calls)


def _items(calls: Calls) -> list[str | NotEnqueued]:
    return [
        each if isinstance(each, NotEnqueued) else each.id
        for each in calls.outcomes
        if each is not None
    ]


def _interrupted(calls: Calls, series: TaskSeries, error: PyasynqError) -> PyasynqError:
    """Return the error for the calls that have no answer, with what became of the others."""
    may_have_happened = False
    if isinstance(error, RedisUnavailableError):
        may_have_happened = error.may_have_happened
        if error.results:
            calls.take([_outcome_of(each) for each in error.results])
    count = count_stored(calls.outcomes)
    if not isinstance(error, RedisUnavailableError) and not count:
        return error
    return RedisUnavailableError(
        f"{count} of the {len(calls.outcomes)} calls read so far are enqueued: {error}",
        may_have_happened=may_have_happened,
        results=tuple(
            series.info_of(each) if isinstance(each, StoredTask) else each
            for each in calls.outcomes
        ),
    )


def _outcome_of(result: EnqueueResult | None) -> TaskInfo | EnqueueError | None:
    return None if result is None else result.error or result.info
