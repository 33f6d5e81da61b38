"""What needs a person."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from rich.text import Text
from textual import on
from textual.widget import Widget
from textual.widgets import DataTable, Static
from typing_extensions import override

from pyasynq.admin.attention import attention, suspects, where
from pyasynq.admin.spans import ago
from pyasynq.inspector import Finding, QueueInfo
from pyasynq.inspector.finding import Severity
from pyasynq.task import TaskState
from pyasynq.tui.parts.cells import cell
from pyasynq.tui.parts.colours import Colours
from pyasynq.tui.parts.layout import Column
from pyasynq.tui.parts.rows_table import Row, RowsTable
from pyasynq.tui.rows_view import RowsView
from pyasynq.tui.session import Session
from pyasynq.tui.views.queue import QueueView
from pyasynq.tui.views.task import TaskView

COLUMNS = (
    Column(heading="Level"),
    Column(heading="Where", flexible=True, least=10),
    Column(heading="What", flexible=True, least=24),
    Column(heading="Since"),
)
SHOWN: Mapping[Severity, str] = {"error": "error", "warning": "warning", "info": "note"}
OLDEST_ACTIVE = 50  # active tasks of a queue that are looked at
EMPTY = "Nothing needs you."
WHAT_TO_DO = (
    "No queue is paused, without a server or behind; no task has lost its worker, and no archive\n"
    "has grown since this dash was started."
)


class AttentionView(RowsView[Sequence[Finding]]):
    """Findings, and what to do about the one under the cursor."""

    tab = "Attention"

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._earlier: Sequence[QueueInfo] = ()

    @override
    def rows(self) -> Iterable[Widget]:
        yield RowsTable()
        yield Static(id="details")

    @override
    async def read(self) -> Sequence[Finding]:
        inspector = self.session.inspector
        queues, servers = await asyncio.gather(
            inspector.queues.infos(memory=False), inspector.servers.list()
        )
        names = suspects(queues, servers)
        pages = await asyncio.gather(
            *(
                inspector.tasks.list(name, TaskState.ACTIVE, page_size=OLDEST_ACTIVE)
                for name in names
            )
        )
        self._earlier = self._earlier or queues
        return attention(
            queues,
            servers,
            dict(zip(names, pages, strict=True)),
            self.session.now(),
            earlier=self._earlier,
        )

    @override
    def draw(self, data: Sequence[Finding], now: datetime) -> None:
        colours = self.session.colours
        self.table.show(COLUMNS, _rows(data, now, colours))
        self.show_rows(has_rows=bool(data), title=EMPTY, what_to_do=WHAT_TO_DO)
        counts = [
            f"{count} {name}{'' if count == 1 else 's'}"
            for severity, name in SHOWN.items()
            if (count := sum(each.severity == severity for each in data))
        ]
        self.entitle("Attention", " · ".join(counts))
        self._draw_details()

    @override
    def open(self, row: Row) -> None:
        finding = row.subject
        if not isinstance(finding, Finding) or not (queue := finding.evidence.get("queue")):
            return
        if task_id := finding.evidence.get("task_id"):
            self.go_to(TaskView(self.session, queue, task_id))
        else:
            self.go_to(QueueView(self.session, queue))

    @on(DataTable.RowHighlighted)
    def _draw_details(self) -> None:
        row, details = self.table.current, self.query_one("#details", Static)
        details.display = row is not None
        if row is not None and isinstance(row.subject, Finding):
            colours = self.session.colours
            what = (row.subject.sentence, colours.strong)
            details.update(Text.assemble(what, "\n", (row.subject.advice, colours.dim)))


def _rows(findings: Sequence[Finding], now: datetime, colours: Colours) -> Sequence[Row]:
    styles = {"error": colours.bad, "warning": colours.warning, "info": colours.dim}
    return [
        Row(
            f"{each.code}\n{where(each)}\n{each.evidence.get('task_id')}",
            (
                cell(SHOWN[each.severity], styles[each.severity]),
                cell(where(each), colours.strong),
                cell(each.sentence),
                cell(ago(each.evidence.get("since"), now), colours.dim),
            ),
            each,
        )
        for each in findings
    ]
