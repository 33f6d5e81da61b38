"""All queues."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import DataTable, Static
from typing_extensions import override

from pyasynq.admin.overview import STATES, overview
from pyasynq.admin.rates import counted, rate
from pyasynq.inspector import QueueInfo
from pyasynq.shown import span
from pyasynq.tui.parts.bars import stacked_bar
from pyasynq.tui.parts.cells import cell, number, size_text
from pyasynq.tui.parts.colours import Colours
from pyasynq.tui.parts.layout import Column
from pyasynq.tui.parts.rows_table import Row, RowsTable
from pyasynq.tui.queue_acts import act_on_pause, act_on_queues
from pyasynq.tui.rows_view import RowsView
from pyasynq.tui.session import Session
from pyasynq.tui.views.queue import QueueView

WIDE = 100  # columns, in which there is room to say where Redis is
BAR = 18  # characters
MEMORY_S = 30  # seconds for which the memory of queues counts as known: asking for it is dear

# asynq v0.26 tools/asynq/cmd/dash: its columns, in its order.
COLUMNS = (
    Column(heading="Queue", flexible=True, least=14),
    Column(heading="State"),
    Column(heading="Size", right=True),
    Column(heading="By state", rank=3),
    Column(heading="Latency", right=True),
    Column(heading="Memory", right=True, rank=1),
    Column(heading="Done", right=True),
    Column(heading="Failed", right=True),
    Column(heading="Errors", right=True, rank=2),
)
EMPTY = "There are no queues yet."
WHAT_TO_DO = (
    "A queue appears with its first task:\n\n"
    "  pyasynq task enqueue -t TYPE -l PAYLOAD\n\n"
    "`pyasynq dev MODULE:APP` runs an application and a Redis."
)


class QueuesView(RowsView[Sequence[QueueInfo]]):
    """All queues, and what is in that under the cursor."""

    tab = "Queues"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "mark", "select"),
        Binding("asterisk", "mark_all", "all", show=False),
        Binding("P", "pause", "pause"),
        Binding("D", "delete", "delete"),
    ]

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._memory: Mapping[str, int | None] = {}
        self._memory_at = float(-MEMORY_S)  # by the clock that never goes back

    @override
    def rows(self) -> Iterable[Widget]:
        yield RowsTable(selectable=True)
        yield Static(id="details")

    @override
    async def read(self) -> Sequence[QueueInfo]:
        monotonic = self.session.clock.monotonic()
        with_memory = monotonic - self._memory_at >= MEMORY_S
        found = await self.session.inspector.queues.infos(memory=with_memory)
        if with_memory:
            self._memory = {queue.queue: queue.memory_usage for queue in found}
            self._memory_at = monotonic
        return found

    @override
    def draw(self, data: Sequence[QueueInfo], now: datetime) -> None:
        colours = self.session.colours
        self.table.show(
            COLUMNS, [queue_row(each, self._memory.get(each.queue), colours) for each in data]
        )
        self.show_rows(has_rows=bool(data), title=EMPTY, what_to_do=WHAT_TO_DO)
        found = overview(data, {})
        self.entitle(
            "Queues",
            f"{counted(len(data), 'queue')} · {counted(sum(q.size for q in data), 'task')} · "
            f"today {found.processed:,} done, {found.failed:,} failed "
            f"({rate(found.failed, found.processed)})",
            self.session.inspector.description if self.size.width >= WIDE else "",
        )
        self._draw_details()

    @override
    def open(self, row: Row) -> None:
        if isinstance(row.subject, QueueInfo):
            filled = [state for state in STATES if getattr(row.subject, state.value)]
            self.go_to(QueueView(self.session, row.key, *filled[:1]))

    def action_pause(self) -> None:
        """Pause the queues, or end their pause."""
        act_on_pause(self, self._queues())

    def action_delete(self) -> None:
        """Delete the queues."""
        act_on_queues(self, self._queues())

    def _queues(self) -> Sequence[QueueInfo]:
        found = [row.subject for row in self.table.targets]
        return [each for each in found if isinstance(each, QueueInfo)]

    @on(DataTable.RowHighlighted)
    def _draw_details(self) -> None:
        row = self.table.current
        details = self.query_one("#details", Static)
        details.display = row is not None
        if row is not None and isinstance(row.subject, QueueInfo):
            details.update(_details(row.subject, self.size.width - 2, self.session.colours))


def queue_row(queue: QueueInfo, memory: int | None, colours: Colours) -> Row:
    """Return the row of a queue."""
    size = ("~" if queue.is_estimated else "") + f"{queue.size:,}"
    cells = (
        cell(queue.queue, colours.strong),
        _state(queue, colours),
        cell(size),
        state_bar(queue, BAR, colours),
        cell(span(queue.latency), colours.dim if not queue.latency else ""),
        cell(size_text(memory), colours.dim),
        number(queue.processed),
        number(queue.failed, colours.bad if queue.failed else colours.dim),
        cell(rate(queue.failed, queue.processed), colours.dim),
    )
    return Row(queue.queue, cells, queue)


def state_bar(queue: QueueInfo, width: int, colours: Colours) -> Text:
    """Return a bar that shows how many tasks are in each state."""
    counts = [getattr(queue, state.value) for state in STATES]
    return stacked_bar(counts, [colours.states[state] for state in STATES], width, colours.dim)


def _state(queue: QueueInfo, colours: Colours) -> Text:
    if queue.error:
        return cell("unreadable", colours.bad)
    return cell("paused", colours.warning) if queue.is_paused else cell("run", colours.good)


def _details(queue: QueueInfo, width: int, colours: Colours) -> Text:
    legend = Text("  ").join(
        Text.assemble(
            (f"{getattr(queue, state.value):,} ", colours.strong),
            (state.value, colours.states[state]),
        )
        for state in STATES
        if getattr(queue, state.value)
    )
    return Text.assemble(state_bar(queue, width, colours), "\n", legend)
