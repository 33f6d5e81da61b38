"""One task: all that is known about it."""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static
from typing_extensions import override

from pyasynq.errors import NotFoundError, PyasynqError
from pyasynq.shown import shown
from pyasynq.task import TaskState
from pyasynq.tui.acting import act_on_tasks
from pyasynq.tui.parts.task_text import FORMS, TaskData, task_text
from pyasynq.tui.session import Session
from pyasynq.tui.view import View

GONE = (
    "It was deleted, or it was done and had no retention. What you see is how it was read last.\n\n"
)


class TaskView(View[TaskData]):
    """One task.

    Args:
        session: what all views share.
        queue: the queue of the task.
        task_id: its ID.
    """

    tab = "Queues"
    AUTO_FOCUS = "#task"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "scroll(1)", "down", show=False),
        Binding("up,k", "scroll(-1)", "up", show=False),
        Binding("g", "scroll(-100000)", "top", show=False),
        Binding("G,shift+g", "scroll(100000)", "end", show=False),
        Binding("v", "form", "form"),
        Binding("R", "act('run')", "act", key_display="R A D C"),
        Binding("A", "act('archive')", "archive", show=False),
        Binding("D", "act('delete')", "delete", show=False),
        Binding("C", "act('cancel')", "cancel", show=False),
    ]

    def __init__(self, session: Session, queue: str, task_id: str) -> None:
        super().__init__(session)
        self.queue = queue
        self.task_id = task_id
        self._form = 0
        self._is_gone = False

    @override
    def body(self) -> Iterable[Widget]:
        yield VerticalScroll(Static(id="text"), id="task")

    @property
    @override
    def name_shown(self) -> str:
        return shown(self.task_id)

    @override
    async def read(self) -> TaskData:
        inspector = self.session.inspector
        info, progress, findings = await asyncio.gather(
            inspector.tasks.get(self.queue, self.task_id),
            inspector.tasks.progress(self.queue, self.task_id),
            inspector.tasks.explain(self.queue, self.task_id),
        )
        self._is_gone = False
        if info.state is not TaskState.ACTIVE:
            return TaskData(info=info, progress=progress, findings=findings)
        for server in await inspector.servers.list():
            for worker in server.active_workers:
                if (worker.queue, worker.task_id) == (self.queue, self.task_id):
                    return TaskData(info=info, progress=progress, server=server, worker=worker)
        return TaskData(info=info, progress=progress, findings=findings)

    @override
    def read_failed(self, error: PyasynqError) -> bool:
        self._is_gone = isinstance(error, NotFoundError)
        if self._is_gone:
            self._draw_gone()
        return self._is_gone

    @override
    def draw(self, data: TaskData, now: datetime) -> None:
        colours = self.session.colours
        text = task_text(data, now, colours, FORMS[self._form])
        if self._is_gone:
            text = Text.assemble((GONE, colours.warning), text)
        self.query_one("#text", Static).update(text)
        gone = ("no longer there", colours.warning)
        summary = Text.assemble(gone) if self._is_gone else Text(data.info.state.value)
        self.entitle(shown(data.info.type, 60), summary, f"in queue {shown(self.queue, 40)}")

    def action_scroll(self, lines: int) -> None:
        """Scroll by some lines."""
        self.query_one("#task").scroll_relative(y=lines, animate=False)

    def action_form(self) -> None:
        """Show payload and result in another form."""
        self._form = (self._form + 1) % len(FORMS)
        self.redraw()

    def action_act(self, verb: str) -> None:
        """Run, archive, delete or cancel the task."""
        if self.data is None or self._is_gone:
            return
        act_on_tasks(
            self,
            verb,
            queue=self.queue,
            state=self.data.info.state,
            ids=[self.task_id],
            after=lambda: None,
        )

    def _draw_gone(self) -> None:
        if self.data is not None:
            self.draw(self.data, self.session.now())
            return
        told = f"There is no task {shown(self.task_id)!r} in queue {shown(self.queue)!r}."
        self.query_one("#text", Static).update(Text(told))
        self.entitle(shown(self.task_id), Text("not there", self.session.colours.warning))
