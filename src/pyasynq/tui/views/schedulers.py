"""Periodic tasks of schedulers that are alive, and what that under the cursor has enqueued."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import DataTable, Static
from typing_extensions import override

from pyasynq.admin.payload_text import payload_text
from pyasynq.admin.rates import counted
from pyasynq.admin.spans import ago, moment, until
from pyasynq.errors import PyasynqError
from pyasynq.inspector import EnqueueEvent, SchedulerEntry
from pyasynq.shown import shown
from pyasynq.tui.parts.cells import cell
from pyasynq.tui.parts.colours import Colours
from pyasynq.tui.parts.layout import Column
from pyasynq.tui.parts.rows_table import Row, RowsTable
from pyasynq.tui.rows_view import RowsView
from pyasynq.tui.views.task import TaskView

# asynq v0.26 tools/asynq/cmd/cron.go: the columns of `asynq cron list`; the ID is the last one.
ENTRIES = (
    Column(heading="Spec", flexible=True, least=12),
    Column(heading="Type", flexible=True, least=14),
    Column(heading="Next"),
    Column(heading="Prev"),
    Column(heading="Options", flexible=True, least=10, rank=1),
    Column(heading="Payload", flexible=True, least=10, rank=2),
    Column(heading="EntryID", flexible=True, least=9, rank=3),
)
HISTORY = (
    Column(heading="TaskID", flexible=True, least=12),
    Column(heading="EnqueuedAt"),
    Column(heading="Ago", right=True),
)
EVENTS = 50
EMPTY = "No scheduler is alive."
WHAT_TO_DO = "The entries of a scheduler are seen here as long as it runs."


@dataclass(frozen=True, slots=True, kw_only=True)
class SchedulersData:
    """What is shown of schedulers.

    Attributes:
        entries: all entries.
        entry_id: the entry whose events were read; empty if none were.
        events: what it has enqueued, the latest first.
    """

    entries: Sequence[SchedulerEntry]
    entry_id: str = ""
    events: Sequence[EnqueueEvent] = ()


class SchedulersView(RowsView[SchedulersData]):
    """Entries, and their history."""

    tab = "Schedulers"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab", "other", "other table")]

    @override
    def rows(self) -> Iterable[Widget]:
        yield RowsTable()
        yield Static(id="history-title", classes="title")
        yield RowsTable(id="history")

    @override
    async def read(self) -> SchedulersData:
        schedulers = self.session.inspector.schedulers
        entry_id = self._entry_id()
        if not entry_id:
            return SchedulersData(entries=await schedulers.entries())
        entries, events = await asyncio.gather(
            schedulers.entries(), schedulers.history(entry_id, page_size=EVENTS)
        )
        return SchedulersData(entries=entries, entry_id=entry_id, events=events)

    @override
    def draw(self, data: SchedulersData, now: datetime) -> None:
        colours = self.session.colours
        self.table.show(ENTRIES, [_entry_row(each, now, colours) for each in data.entries])
        self.show_rows(has_rows=bool(data.entries), title=EMPTY, what_to_do=WHAT_TO_DO)
        for part in ("#history-title", "#history"):
            self.query_one(part).display = bool(data.entries)
        rows = [_event_row(each, now, colours) for each in data.events]
        self.query_one("#history", RowsTable).show(HISTORY, rows)
        self.query_one("#history-title", Static).update(_title(data))
        soonest = min((e.next_enqueue_at for e in data.entries if e.next_enqueue_at), default=None)
        due = f" · next {until(soonest, now)}" if soonest else ""
        entries = "1 entry" if len(data.entries) == 1 else f"{len(data.entries):,} entries"
        self.entitle("Schedulers", f"{entries}{due}")

    @override
    def open(self, row: Row) -> None:
        if isinstance(row.subject, EnqueueEvent):
            self.run_worker(self._open_task(row.subject.task_id), group="find", exclusive=True)
        else:
            self.query_one("#history").focus()

    @override
    def back(self) -> bool:
        if self.query_one("#history").has_focus:
            self.table.focus()
            return True
        return super().back()

    def action_other(self) -> None:
        """Go to the other table."""
        history = self.query_one("#history")
        (self.table if history.has_focus else history).focus()

    @on(DataTable.RowHighlighted)
    def _entry_changed(self) -> None:
        if self.data is not None and self._entry_id() not in ("", self.data.entry_id):
            self.reload()

    async def _open_task(self, task_id: str) -> None:
        try:
            found = await self.session.inspector.tasks.find(task_id)
        except PyasynqError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        if found:
            self.go_to(TaskView(self.session, found[0].queue, task_id))
        else:
            told = "It is no longer there: it is done, and had no retention, or was deleted."
            self.notify(told, severity="warning")

    def _entry_id(self) -> str:
        row = self.table.current
        return row.subject.id if row and isinstance(row.subject, SchedulerEntry) else ""


def _title(data: SchedulersData) -> str:
    if not data.events:
        return "It has enqueued nothing yet."
    last = f"the last {counted(len(data.events), 'task')}"
    return f"What it has enqueued: {last}, the latest first"


def _entry_row(entry: SchedulerEntry, now: datetime, colours: Colours) -> Row:
    cells = (
        cell(entry.spec, colours.accent),
        cell(entry.task_type, colours.strong),
        cell(until(entry.next_enqueue_at, now)),
        cell(ago(entry.previous_enqueue_at, now), colours.dim),
        cell(", ".join(entry.options), colours.dim),
        cell(payload_text(entry.payload), colours.dim),
        cell(shown(entry.id), colours.dim),
    )
    return Row(entry.id, cells, entry)


def _event_row(event: EnqueueEvent, now: datetime, colours: Colours) -> Row:
    cells = (
        cell(event.task_id, colours.accent),
        cell(moment(event.enqueued_at)),
        cell(ago(event.enqueued_at, now), colours.dim),
    )
    return Row(f"{event.task_id}\n{event.enqueued_at}", cells, event)
