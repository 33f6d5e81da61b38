"""``/``: shows only rows that match what is typed."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Input
from typing_extensions import override

Matches = Callable[[Sequence[str]], bool]


def text_filter(text: str) -> Matches:
    """Return a condition: every word of *text* is in some cell of a row, in any case."""
    words = text.casefold().split()

    def matches(cells: Sequence[str]) -> bool:
        line = "\n".join(cells).casefold()
        return all(word in line for word in words)

    return matches


class FilterBar(Input):
    """A line to type the filter into; Enter keeps it, Escape ends it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "end the filter")]

    class Kept(Message):
        """The filter is as it shall be: go back to the rows."""

    def __init__(self) -> None:
        super().__init__(placeholder="words that a row must have", compact=True, id="filter")
        self.display = False

    def open(self) -> None:
        """Show the line, and type into it."""
        self.display = True
        self.focus()

    def end(self) -> bool:
        """Take the filter away; return whether there was one."""
        had_text = bool(self.value)
        self.value = ""
        self.display = False
        return had_text

    def action_cancel(self) -> None:
        """End the filter."""
        self.end()
        self.post_message(self.Kept())

    @override
    async def action_submit(self) -> None:
        self.display = bool(self.value)
        self.post_message(self.Kept())
