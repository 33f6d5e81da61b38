"""Periodic tasks: when they are due, and what they have enqueued."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from starlette.responses import Response

from pyasynq.admin.cron_times import schedule_of, spec_of, times_of
from pyasynq.admin.filters import Term
from pyasynq.errors import ConfigError
from pyasynq.inspector import EnqueueEvent, SchedulerEntry
from pyasynq.inspector.scheduler_entries import queue_of
from pyasynq.web.pages.catalogue import Language, texts_of
from pyasynq.web.pages.cron_words import due_words
from pyasynq.web.pages.figures import EARLIEST
from pyasynq.web.pages.rendering import rendered
from pyasynq.web.pages.tables import page_of, sorted_by
from pyasynq.web.pages.view import View, view_of
from pyasynq.web.refusal import Refusal
from pyasynq.web.routing import Call, Endpoint

NEXT_TIMES = 5
MOST_EVENTS = 1000  # that are kept of an entry

_KEYS: Mapping[str, Callable[[SchedulerEntry], Any]] = {
    "id": lambda each: each.id,
    "spec": lambda each: each.spec,
    "type": lambda each: each.task_type,
    "next": lambda each: each.next_enqueue_at or EARLIEST,
    "prev": lambda each: last_of(each) or EARLIEST,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """An entry, and when it is due.

    Attributes:
        entry: the entry.
        queue: where its tasks go; None if its options cannot be read.
        description: when it is due, in plain words; empty if its spec cannot be read.
        language: of the description.
        last: when it was due last; None if it was not yet.
        times: when it is due next; empty if that cannot be told.
    """

    entry: SchedulerEntry
    queue: str | None
    description: str
    language: str
    last: datetime | None
    times: Sequence[datetime]


async def show_schedulers(call: Call) -> Response:
    """Show the entries of all schedulers that are alive."""
    entries = await call.service.installation.scheduler_entries()
    sort, ordered = sorted_by(call, entries, _KEYS, default="next")
    seen = view_of(call)
    part = page_of(call, ordered, seen.prefers.rows)
    return rendered(
        call,
        "schedulers.html",
        section="schedulers",
        rows=[timed(each, seen.figures.now, seen.prefers.language) for each in part.rows],
        page=part.number,
        pages=part.count,
        total=len(entries),
        sort=sort,
    )


async def show_entry(call: Call) -> Response:
    """Show an entry, and what it has enqueued; the entry itself may be gone."""
    entry_id = call.names["entry_id"]
    entries = await call.service.installation.scheduler_entries()
    entry = next((each for each in entries if each.id == entry_id), None)
    events = await call.service.installation.enqueue_events(entry_id, page=1, page_size=MOST_EVENTS)
    if entry is None and not events:
        raise Refusal(
            404,
            "no scheduler that is alive has this entry, nor has it a history",
            key="entry_gone",
        )
    seen = view_of(call)
    row = timed(entry, seen.figures.now, seen.prefers.language) if entry else None
    part = page_of(call, events, seen.prefers.rows)
    return rendered(
        call,
        "scheduler.html",
        section="schedulers",
        entry_id=entry_id,
        row=row,
        events=[(each, _task_link(each, row, seen)) for each in part.rows],
        page=part.number,
        pages=part.count,
        total=len(events),
    )


def timed(entry: SchedulerEntry, now: datetime, language: Language = "en") -> Timed:
    """Return an entry, and when it is due."""
    spec = spec_of(entry)
    description, told_in = due_words(spec, language) if spec else ("", language)
    try:
        times = list(islice(times_of(entry, schedule_of(entry), now), NEXT_TIMES))
    except ConfigError:  # its scheduler reads it in a time zone that it does not show
        times = []
    return Timed(
        entry=entry,
        queue=queue_of(entry.options),
        description=description,
        language=texts_of(told_in)("language.tag"),
        last=last_of(entry),
        times=times,
    )


def last_of(entry: SchedulerEntry) -> datetime | None:
    """Return when an entry was due last; schedulers show that only now and then."""
    known = (entry.previous_enqueue_at, entry.last_tick_at)
    return max((each for each in known if each is not None), default=None)


def _task_link(event: EnqueueEvent, row: Timed | None, seen: View) -> str:
    """Return where the task of an event is; a search, if its queue is not known."""
    if row is not None and row.queue is not None:
        return seen.links.to("queues", row.queue, "tasks", event.task_id)
    return seen.links.to("tasks", query=str(Term("id", "=", (event.task_id,))))


PAGES = (
    Endpoint(
        method="GET",
        path="/schedulers",
        summary="The entries of all schedulers that are alive.",
        handle=show_schedulers,
    ),
    Endpoint(
        method="GET",
        path="/schedulers/{entry_id}",
        summary="A scheduler entry, and what it has enqueued.",
        handle=show_entry,
    ),
)
