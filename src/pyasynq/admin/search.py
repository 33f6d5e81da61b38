# Generated from search_async.py by tools/unasync.py: change that file.
"""Looks for tasks in every queue; the blocking twin of this file is generated."""

from collections.abc import Callable, Iterator, Sequence

from pyasynq.admin.filters import Filter, Scope, matcher, parse, scope
from pyasynq.admin.filters.scope import Place, content_of, named_queues, needs_lists
from pyasynq.admin.findings import (
    MOST_FOUND,
    STATES,
    Found,
    Gathered,
    Stop,
    decode_stop,
    remaining,
)
from pyasynq.admin.redaction import Redactor
from pyasynq.answers import concerns_redis_as_a_whole
from pyasynq.broker.operations.task_lists import Content
from pyasynq.errors import ConfigError, PyasynqError, QueueNotFoundError
from pyasynq.inspector.found_task import FoundTask, TaskChunk
from pyasynq.inspector.inspector import Inspector
from pyasynq.inspector.pages import MOST_AT_ONCE, whole_number_fault
from pyasynq.options import name_fault
from pyasynq.task import TaskState

MOST_SCANNED = 100_000  # tasks that one call looks at, unless it is told otherwise


def search(
    inspector: Inspector,
    query: str | Filter,
    *,
    limit: int = 30,
    scan: int = MOST_SCANNED,
    cursor: str | None = None,
    redact: Redactor | None = None,
    on_progress: Callable[[int], object] | None = None,
) -> Found:
    """Look for tasks that match a filter, and stop when enough are found or were looked at.

    Tasks are read in steps of at most 500, and only what the filter asks for is decoded; what is
    kept in memory does not depend on how many there are. Queues come by their names, and in each
    the states in the order of `STATES`. Archived, completed, aggregating, pending and active tasks
    come the latest first, scheduled and retried ones by when they are due. If the filter names the
    IDs that can match, only these tasks are read.

    Args:
        inspector: where to look.
        query: the filter, also as text.
        limit: how many tasks to find, from 1 to 10,000. They may be fewer, with a cursor, if some
            that match are gone before all of them is read.
        scan: how many tasks to look at; about that many, since a step is not broken off.
        cursor: of the result before, of the same filter, to go on; the beginning if not given.
        redact: hides what must not be shown, from the filter, too.
        on_progress: called after each step, with how many tasks were looked at so far.

    Raises:
        FilterError: there is a mistake in the filter.
        ConfigError: another argument is wrong.
        QueueNotFoundError: the filter names queues, none of which exists.
    """
    ConfigError.raise_if(
        [
            whole_number_fault("limit", limit, most=MOST_FOUND),
            whole_number_fault("scan", scan, most=2**53),
        ]
    )
    wanted = parse(query) if isinstance(query, str) else query
    stop = decode_stop(cursor) if cursor is not None else None
    where = scope_of(inspector, wanted)
    gathered = Gathered(matcher(wanted, inspector.clock.redis_now_ns(), redact), limit)
    for place, chunk in chunks(
        inspector,
        where,
        stop=stop,
        newest_first=True,
        content=content_of(wanted),
        most_ids=0 if needs_lists(wanted) else limit,
        on_broken=gathered.add_broken,
    ):
        seen, matching = gathered.matching(chunk.tasks)
        gathered.add(matching if chunk.content == "all" else _whole(inspector, matching))
        if on_progress is not None and seen:
            on_progress(gathered.scanned)
        if gathered.is_full or gathered.scanned >= scan:
            stop = following(where, place, chunk, seen)
            break
    else:
        stop = None
    return gathered.result(stop, redact)


def _whole(inspector: Inspector, tasks: Sequence[FoundTask]) -> Sequence[FoundTask]:
    """Read all of tasks that match; those that are gone or elsewhere by now are left out."""
    if not tasks:
        return ()
    found = inspector.tasks.look([(each.queue, each.id) for each in tasks])
    return [
        now
        for before, now in zip(tasks, found, strict=True)
        if now is not None and now.state is before.state
    ]


def scope_of(inspector: Inspector, query: Filter, states: tuple[TaskState, ...] = STATES) -> Scope:
    """Return what must be read to find the tasks that match.

    Args:
        inspector: knows which queues there are.
        query: the filter.
        states: those to look at, in this order.

    Raises:
        QueueNotFoundError: the filter names queues, none of which exists.
    """
    known = [each for each in inspector.queues.list() if name_fault("queue", each) is None]
    named = named_queues(query)
    if named and not set(named) & set(known):
        raise QueueNotFoundError(named[0])
    return scope(query, known, states)


def chunks(
    inspector: Inspector,
    where: Scope,
    *,
    stop: Stop | None = None,
    newest_first: bool = False,
    content: Content = "all",
    most_ids: int = 0,
    on_broken: Callable[[Place, PyasynqError], object],
) -> Iterator[tuple[Place, TaskChunk]]:
    """Yield the tasks that may match, at most 500 at a time.

    Args:
        inspector: where to look.
        where: what must be read.
        stop: where to go on; the beginning if not given.
        newest_first: whether the latest tasks come first, where that is possible.
        content: what to read of each task; see `inspector.tasks.walk`.
        most_ids: if no more IDs than these can match, they are looked up; else the lists are read.
        on_broken: called with a place that cannot be read, which hides no other.
    """
    queues = tuple(dict.fromkeys(place.queue for place in where.places))
    ids = where.ids if stop is None else None
    if ids is not None and len(ids) * len(queues) <= min(most_ids, MOST_AT_ONCE):
        refs = [(queue, task_id) for queue in queues for task_id in ids]
        found = [each for each in inspector.tasks.look(refs) if each is not None]
        for place in where.places:
            here = [each for each in found if (each.queue, each.state) == place.address]
            yield place, TaskChunk(tasks=here, cursor=None)
        return
    for place in remaining(where.places, stop):
        is_first = stop is not None and (stop.queue, stop.state) == place.address
        cursor = stop.cursor if stop is not None and is_first else None
        while True:
            try:
                chunk = inspector.tasks.walk(
                    place.queue,
                    place.state,
                    group=where.group if place.state is TaskState.AGGREGATING else None,
                    newest_first=newest_first,
                    content=content,
                    cursor=cursor,
                )
            except PyasynqError as error:
                if concerns_redis_as_a_whole(error):
                    raise
                on_broken(place, error)
                break
            yield place, chunk
            cursor = chunk.cursor
            if cursor is None:
                break


def following(where: Scope, place: Place, chunk: TaskChunk, seen: int) -> Stop | None:
    """Return where a search goes on that has seen the first *seen* tasks of a chunk."""
    cursor = chunk.cursor_after(seen)
    if cursor is not None:
        return Stop(queue=place.queue, state=place.state, cursor=cursor)
    at = where.places.index(place) + 1
    if at >= len(where.places):
        return None
    return Stop(queue=where.places[at].queue, state=where.places[at].state, cursor=None)
