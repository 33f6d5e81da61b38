"""The states of a queue as tabs, each with its count below its name."""

from collections.abc import Mapping, Sequence

from rich.text import Text
from textual.events import Click
from textual.message import Message
from textual.widgets import Static

from pyasynq.admin.overview import STATES
from pyasynq.task import TaskState
from pyasynq.tui.parts.colours import Colours

GAP = 2


class StateTabs(Static):
    """A tab for each state, of which one is open."""

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, state: TaskState) -> None:
            self.state = state
            super().__init__()

    def draw(self, counts: Mapping[TaskState, int], current: TaskState, colours: Colours) -> None:
        """Show how many tasks are in each state, and which state is open."""
        names, numbers = Text(no_wrap=True), Text(no_wrap=True)
        for state, width in zip(STATES, tab_widths(counts), strict=True):
            is_open, count = state is current, counts.get(state, 0)
            style = colours.states[state]
            names.append(state.value, f"bold underline {style}" if is_open else style)
            names.append(" " * (width - len(state.value)))
            text = f"{count:,}"
            numbers.append(text, colours.strong if is_open or count else colours.dim)
            numbers.append(" " * (width - len(text)))
        self.update(Text.assemble(names, "\n", numbers, no_wrap=True, overflow="crop"))
        self._ends = [sum(tab_widths(counts)[: at + 1]) for at in range(len(STATES))]

    def on_click(self, event: Click) -> None:
        """Open the tab under the mouse."""
        at = event.x - self.styles.padding.left
        for state, end in zip(STATES, getattr(self, "_ends", ()), strict=False):
            if at < end:
                self.post_message(self.Chosen(state))
                return


def tab_widths(counts: Mapping[TaskState, int]) -> Sequence[int]:
    """Return the width of each tab, the gap behind it included."""
    return [max(len(state.value), len(f"{counts.get(state, 0):,}")) + GAP for state in STATES]
