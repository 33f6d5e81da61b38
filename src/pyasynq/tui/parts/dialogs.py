"""Dialogs: a question before something is done, and the help."""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Static
from typing_extensions import override

from pyasynq.tui.acts import Question
from pyasynq.tui.keys import Keys
from pyasynq.tui.parts.colours import Colours


class Confirm(ModalScreen[bool]):
    """Asks; the answer is whether to do it. What loses much must be typed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "yes", "do it"),
        Binding("n,q,escape", "no", "leave it"),
        Binding("left,right,h,l,tab", "other", "the other button", show=False),
    ]

    def __init__(self, question: Question) -> None:
        super().__init__()
        self._question = question

    @override
    def compose(self) -> ComposeResult:
        question = self._question
        with Vertical(id="dialog"):
            yield Static(Text(question.title), id="title")
            yield Static(Text(question.detail), id="detail")
            if question.typed:
                yield Static(Text(f"Type {question.typed!r} to do it:"))
                yield Input(compact=True, id="typed")
            with Horizontal(id="buttons"):
                yield Button("No (n)", id="no", compact=True)
                yield Button(
                    f"{question.verb.capitalize()} (y)",
                    id="yes",
                    classes="-loses" if question.loses else "",
                    compact=True,
                    disabled=bool(question.typed),
                )

    def on_mount(self) -> None:
        """Begin where nothing can happen by accident."""
        self.query_one("#typed" if self._question.typed else "#no").focus()

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self.query_one("#yes", Button).disabled = event.value != self._question.typed

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_yes()

    @on(Button.Pressed, "#yes")
    def action_yes(self) -> None:
        """Do it, unless something must be typed first."""
        if not self.query_one("#yes", Button).disabled:
            self.app.call_next(self.dismiss, True)

    @on(Button.Pressed, "#no")
    def action_no(self) -> None:
        """Leave it."""
        self.app.call_next(self.dismiss, False)

    def action_other(self) -> None:
        """Go to the other button."""
        self.focus_next("Button")


class Help(ModalScreen[None]):
    """What the keys do."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,escape,question_mark,enter", "dismiss", "close"),
        Binding("j,down", "scroll(1)", "down", show=False),
        Binding("k,up", "scroll(-1)", "up", show=False),
    ]

    def __init__(self, sections: Sequence[tuple[str, Sequence[Keys]]], colours: Colours) -> None:
        super().__init__()
        self._sections, self._colours = sections, colours

    @override
    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help"):
            yield Static(self._text())

    def action_scroll(self, lines: int) -> None:
        """Scroll by some lines."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def _text(self) -> Text:
        text = Text()
        for title, keys in self._sections:
            text.append(f"{title}\n", self._colours.strong)
            for each in keys:
                text.append(f"  {each.keys:<16}", self._colours.accent)
                text.append(f"{each.does}\n")
            text.append("\n")
        text.rstrip()
        return text
