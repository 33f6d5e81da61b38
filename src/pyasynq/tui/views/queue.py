"""One queue: its tasks of one state, a page of them, or its groups."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from typing_extensions import override

from pyasynq.admin.overview import STATES
from pyasynq.admin.rates import rate
from pyasynq.admin.spans import ago
from pyasynq.inspector import GroupInfo, QueueInfo, TaskPage
from pyasynq.shown import shown, span
from pyasynq.task import TaskInfo, TaskState
from pyasynq.tui.acting import act_on_all, act_on_tasks
from pyasynq.tui.parts.cells import cell, number
from pyasynq.tui.parts.colours import Colours
from pyasynq.tui.parts.layout import Column
from pyasynq.tui.parts.rows_table import Row, RowsTable
from pyasynq.tui.parts.state_tabs import StateTabs
from pyasynq.tui.parts.task_columns import columns_of, task_rows
from pyasynq.tui.queue_acts import act_on_pause
from pyasynq.tui.rows_view import RowsView
from pyasynq.tui.session import Session
from pyasynq.tui.views.task import TaskView

PAGE = 50  # tasks
GROUPS = (Column(heading="Group", flexible=True), Column(heading="Size", right=True))
WHAT_TO_DO = {
    TaskState.ACTIVE: "Nothing runs at this moment.",
    TaskState.PENDING: "Nothing waits for a worker.",
    TaskState.AGGREGATING: "No group has tasks: `pyasynq task enqueue --group` adds one.",
    TaskState.SCHEDULED: "Nothing is to be run later: --process_in schedules a task.",
    TaskState.RETRY: "Nothing has failed and waits for its next attempt.",
    TaskState.ARCHIVED: "Nothing has failed for good.",
    TaskState.COMPLETED: "Only tasks with a retention are kept once they are done.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueData:
    """What is shown of a queue.

    Attributes:
        info: its counts.
        page: the tasks; None if the groups are shown.
        groups: the groups; None if tasks are shown.
    """

    info: QueueInfo
    page: TaskPage | None = None
    groups: Sequence[GroupInfo] | None = None


class QueueView(RowsView[QueueData]):
    """One queue.

    Args:
        session: what all views share.
        queue: its name.
        state: the tab that is open; the first one with tasks if not given.
    """

    tab = "Queues"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "turn(-1)", "state", key_display="←→"),
        Binding("right,l", "turn(1)", "next state", show=False),
        Binding("n,right_square_bracket", "page(1)", "page", key_display="n p"),
        Binding("p,left_square_bracket", "page(-1)", "previous page", show=False),
        Binding("o", "order", "order", show=False),
        Binding("x", "mark", "select"),
        Binding("asterisk", "mark_all", "all", show=False),
        Binding("R", "act('run')", "act", key_display="R A D C"),
        Binding("A", "act('archive')", "archive", show=False),
        Binding("D", "act('delete')", "delete", show=False),
        Binding("C", "act('cancel')", "cancel", show=False),
        Binding("P", "pause", "pause", show=False),
    ]

    def __init__(
        self, session: Session, queue: str, state: TaskState = TaskState.ACTIVE, group: str = ""
    ) -> None:
        super().__init__(session)
        self.queue = queue
        self.state = state
        self.group = group
        self.is_all = False
        self._page = 1
        self._listed = 0  # how many tasks there were in the state when it was read last
        self._is_newest_first = False

    @override
    def above(self) -> Iterable[Widget]:
        yield StateTabs(id="states")

    @override
    def rows(self) -> Iterable[Widget]:
        yield RowsTable(selectable=True)

    @property
    @override
    def name_shown(self) -> str:
        return shown(self.queue)

    @override
    async def read(self) -> QueueData:
        inspector = self.session.inspector
        counts = inspector.queues.info(self.queue, memory=False)
        if self.state is TaskState.AGGREGATING and not self.group:
            info, groups = await asyncio.gather(counts, inspector.groups.list(self.queue))
            return QueueData(info=info, groups=groups)
        tasks = inspector.tasks.list(
            self.queue,
            self.state,
            page=self._page,
            page_size=PAGE,
            group=self.group or None,
            newest_first=self._is_newest_first,
        )
        info, page = await asyncio.gather(counts, tasks)
        return QueueData(info=info, page=page)

    @override
    def draw(self, data: QueueData, now: datetime) -> None:
        colours = self.session.colours
        counts = {state: getattr(data.info, state.value) for state in STATES}
        self.query_one(StateTabs).draw(counts, self.state, colours)
        if data.page is not None:
            self._listed = data.page.total
            self.table.show(columns_of(self.state), task_rows(data.page, self.state, now, colours))
            if not len(data.page) and not data.page.damaged and self._page > 1:
                self._go_to_page(max(1, -(-data.page.total // PAGE)))
        elif data.groups is not None:
            self.table.show(GROUPS, [_group_row(each, colours) for each in data.groups])
        self.show_rows(
            has_rows=bool(self.table.count),
            title=f"No {self.state} tasks.",
            what_to_do=WHAT_TO_DO[self.state],
        )
        name = shown(self.queue) + (f" / {shown(self.group)}" if self.group else "")
        self.entitle(name, _summary(data.info, now, colours), self._aside(data))

    @override
    def open(self, row: Row) -> None:
        if isinstance(row.subject, TaskInfo):
            self.go_to(TaskView(self.session, self.queue, row.key))
        elif isinstance(row.subject, GroupInfo):
            self.go_to(
                QueueView(self.session, self.queue, TaskState.AGGREGATING, row.subject.group)
            )

    @override
    def back(self) -> bool:
        was_all, self.is_all = self.is_all, False
        return super().back() or was_all

    def action_turn(self, by: int) -> None:
        """Open the tab of the next state, or of the previous one."""
        if not self.group:
            self._turn_to(STATES[(STATES.index(self.state) + by) % len(STATES)])

    def action_page(self, by: int) -> None:
        """Go to the next page, or to the previous one."""
        if self._page * PAGE < self._listed if by > 0 else self._page > 1:
            self._go_to_page(self._page + by)

    def action_order(self) -> None:
        """Turn the order of the tasks."""
        self._is_newest_first = not self._is_newest_first
        self._go_to_page(1)

    @override
    def action_mark_all(self) -> None:
        """Select the page; if it is selected as a whole, without a filter, all of the state."""
        keys = {row.key for row in self.table.shown}
        is_whole = len(keys) == self.table.count and keys <= self.table.selected
        if keys and is_whole and not self.is_all and self._total() > len(keys):
            self.is_all = True
        else:
            self.is_all = False
            self.table.mark_all()
        self.redraw()

    @override
    def action_filter(self) -> None:
        self.is_all = False  # what does not match is not meant
        super().action_filter()

    @override
    def action_mark(self) -> None:
        self.is_all = False
        super().action_mark()

    def action_act(self, verb: str) -> None:
        """Run, archive, delete or cancel what is selected, or what is under the cursor."""
        targets = self.table.targets
        groups = [row.subject for row in targets if isinstance(row.subject, GroupInfo)]
        if self.is_all or groups:
            act_on_all(
                self,
                verb,
                queue=self.queue,
                state=self.state,
                count=sum(each.size for each in groups) if groups else self._total(),
                groups=[each.group for each in groups] or ([self.group] if self.group else None),
                after=self._unmark,
            )
            return
        ids = [row.key for row in targets]
        act_on_tasks(self, verb, queue=self.queue, state=self.state, ids=ids, after=self._unmark)

    def action_pause(self) -> None:
        """Pause the queue, or end its pause."""
        if self.data is not None:
            act_on_pause(self, [self.data.info])

    @on(StateTabs.Chosen)
    def _tab_clicked(self, event: StateTabs.Chosen) -> None:
        self._turn_to(event.state)

    def _turn_to(self, state: TaskState) -> None:
        self.state = state
        self._listed = 0
        self._go_to_page(1)

    def _go_to_page(self, page: int) -> None:
        self._page = page
        self.is_all = False
        self.table.forget()
        if self.data is not None:
            counts = {state: getattr(self.data.info, state.value) for state in STATES}
            self.query_one(StateTabs).draw(counts, self.state, self.session.colours)
        self.data = None
        self.reload()

    def _unmark(self) -> None:
        self.is_all = False
        self.table.unmark()

    def _total(self) -> int:
        """Return how many tasks are in the state, or in the group; 0 where groups are shown."""
        page = self.data.page if self.data else None
        return 0 if page is None else page.total

    def _aside(self, data: QueueData) -> str:
        if self.is_all:
            return f"all {self._total():,} selected"
        if self.table.selected:
            return f"{len(self.table.selected):,} selected"
        if data.page is None or data.page.total <= PAGE:
            return "newest first" if self._is_newest_first else ""
        order = ", newest first" if self._is_newest_first else ""
        return f"page {self._page:,}/{-(-data.page.total // PAGE):,}{order}"


def _group_row(group: GroupInfo, colours: Colours) -> Row:
    return Row(group.group, (cell(group.group, colours.strong), number(group.size)), group)


def _summary(info: QueueInfo, now: datetime, colours: Colours) -> Text:
    summary = Text()
    if info.is_paused:
        by = f" by {shown(info.paused_by)}" if info.paused_by else ""
        summary.append(f"paused {ago(info.paused_since, now)}{by} · ", colours.warning)
    if info.error:
        summary.append("not all of it can be read · ", colours.bad)
    waits = f"oldest waits {span(info.latency)} · " if info.pending else ""
    failed = f"{info.failed:,} failed ({rate(info.failed, info.processed)})"
    return summary.append(f"{waits}today {info.processed:,} done, {failed}")
