"""Servers that are alive, and what the one under the cursor runs."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import DataTable, Static
from typing_extensions import override

from pyasynq.admin.payload_text import payload_text
from pyasynq.admin.rates import counted
from pyasynq.admin.spans import ago, until
from pyasynq.inspector import ServerInfo, WorkerInfo
from pyasynq.shown import shown, span
from pyasynq.task import TaskState
from pyasynq.tui.acting import act_on_tasks
from pyasynq.tui.parts.cells import cell
from pyasynq.tui.parts.colours import Colours
from pyasynq.tui.parts.layout import Column
from pyasynq.tui.parts.rows_table import Row, RowsTable
from pyasynq.tui.rows_view import RowsView
from pyasynq.tui.views.task import TaskView

# asynq v0.26 tools/asynq/cmd/server.go: the columns of `asynq server list`, in their order.
SERVERS = (
    Column(heading="Host", flexible=True, least=12),
    Column(heading="PID", right=True),
    Column(heading="State"),
    Column(heading="Active", right=True),
    Column(heading="Queues", flexible=True, least=16),
    Column(heading="Started"),
)
RUNNING = (
    Column(heading="Type", flexible=True, least=14),
    Column(heading="ID", flexible=True, first=True, least=13),
    Column(heading="Queue", flexible=True, least=8),
    Column(heading="For", right=True),
    Column(heading="Ends"),
    Column(heading="Payload", flexible=True, least=10, rank=1),
)
EMPTY = "No server is alive."
WHAT_TO_DO = (
    "A worker is seen here a moment after it has started:\n\n"
    "  pyasynq worker MODULE:APP\n\n"
    "One that has not shown itself for ten seconds is left out."
)


class ServersView(RowsView[Sequence[ServerInfo]]):
    """Servers, and what they run."""

    tab = "Servers"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "other", "other table"),
        Binding("C", "cancel", "cancel"),
    ]

    @override
    def rows(self) -> Iterable[Widget]:
        yield RowsTable()
        yield Static(id="running-title", classes="title")
        yield RowsTable(id="running")

    @override
    async def read(self) -> Sequence[ServerInfo]:
        return await self.session.inspector.servers.list()

    @override
    def draw(self, data: Sequence[ServerInfo], now: datetime) -> None:
        colours = self.session.colours
        self.table.show(SERVERS, [_server_row(server, now, colours) for server in data])
        self.show_rows(has_rows=bool(data), title=EMPTY, what_to_do=WHAT_TO_DO)
        for part in ("#running-title", "#running"):
            self.query_one(part).display = bool(data)
        slots = sum(server.concurrency for server in data)
        active = sum(server.active_worker_count for server in data)
        self.entitle(
            "Servers", f"{counted(len(data), 'server')} · {active:,} of {slots:,} slots taken"
        )
        self._draw_running()

    @override
    def open(self, row: Row) -> None:
        worker = row.subject
        if isinstance(worker, WorkerInfo):
            self.go_to(TaskView(self.session, worker.queue, worker.task_id))
        else:
            self.query_one("#running").focus()

    @override
    def back(self) -> bool:
        if self.query_one("#running").has_focus:
            self.table.focus()
            return True
        return super().back()

    def action_other(self) -> None:
        """Go to the other table."""
        running = self.query_one("#running")
        (self.table if running.has_focus else running).focus()

    def action_cancel(self) -> None:
        """Cancel the task under the cursor of the lower table."""
        row = self.query_one("#running", RowsTable).current
        if row is None or not isinstance(row.subject, WorkerInfo):
            return
        act_on_tasks(
            self,
            "cancel",
            queue=row.subject.queue,
            state=TaskState.ACTIVE,
            ids=[row.subject.task_id],
            after=lambda: None,
        )

    @on(DataTable.RowHighlighted)
    def _draw_running(self) -> None:
        row = self.table.current
        if row is None or not isinstance(row.subject, ServerInfo):
            return
        server, now, colours = row.subject, self.session.now(), self.session.colours
        rows = [_worker_row(each, now, colours) for each in server.active_workers]
        self.query_one("#running", RowsTable).show(RUNNING, rows)
        what = counted(len(rows), "task") if rows else "nothing"
        self.query_one("#running-title", Static).update(
            f"{shown(server.host)}:{server.pid} runs {what}".replace("[", r"\[")
        )


def _server_row(server: ServerInfo, now: datetime, colours: Colours) -> Row:
    queues = " ".join(f"{name}:{priority}" for name, priority in sorted(server.queues.items()))
    is_full = server.active_worker_count >= server.concurrency
    cells = (
        cell(server.host, colours.strong),
        cell(server.pid),
        cell(server.status, colours.good if server.status == "active" else colours.warning),
        cell(
            f"{server.active_worker_count}/{server.concurrency}",
            colours.warning if is_full else "",
        ),
        cell(queues + (" (strict)" if server.strict_priority else ""), colours.dim),
        cell(ago(server.started_at, now), colours.dim),
    )
    return Row(server.id, cells, server)


def _worker_row(worker: WorkerInfo, now: datetime, colours: Colours) -> Row:
    is_late = worker.deadline is not None and worker.deadline < now
    cells = (
        cell(worker.task_type, colours.strong),
        cell(worker.task_id, colours.accent),
        cell(worker.queue),
        cell("-" if worker.started_at is None else span(now - worker.started_at)),
        cell("late" if is_late else until(worker.deadline, now), colours.bad if is_late else ""),
        cell(payload_text(worker.payload), colours.dim),
    )
    return Row(f"{worker.queue}\n{worker.task_id}", cells, worker)
