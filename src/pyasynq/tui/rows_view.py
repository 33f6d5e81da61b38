"""A view whose subject is a table: it can be filtered, and its rows can be selected."""

from abc import abstractmethod
from collections.abc import Iterable
from typing import ClassVar, TypeVar

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import DataTable, Input
from typing_extensions import override

from pyasynq.tui.parts.filtering import FilterBar
from pyasynq.tui.parts.frame import Note
from pyasynq.tui.parts.rows_table import Row, RowsTable
from pyasynq.tui.view import View

Data = TypeVar("Data")


class RowsView(View[Data]):
    """A view with a table, which is the first one if there are several."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter", key_display="/"),
    ]

    @abstractmethod
    def rows(self) -> Iterable[Widget]:
        """Return the table, and what is below it."""

    def above(self) -> Iterable[Widget]:
        """Return what is above the table, and stays there if it has no rows."""
        return ()

    @property
    def table(self) -> RowsTable:
        """The table that is filtered."""
        return self.query(RowsTable).first()

    @override
    def body(self) -> Iterable[Widget]:
        yield from self.above()
        yield Note()
        yield from self.rows()
        yield FilterBar()

    @override
    def entitle(self, name: str, summary: Text | str, aside: str = "") -> None:
        text = Text.assemble(summary)
        if self.query_one(FilterBar).value:
            some = f"{len(self.table.shown):,} of {self.table.count:,} match"
            text = Text.assemble((some, self.session.colours.warning), "  ", text)
        super().entitle(name, text, aside)

    def show_rows(self, *, has_rows: bool, title: str, what_to_do: str) -> None:
        """Show the table; or in its place, if there are no rows, what to do then."""
        note = self.query_one(Note)
        note.tell(title, what_to_do, self.session.colours)
        note.display, self.table.display = not has_rows, has_rows
        if has_rows and self.focused is None:
            self.table.focus()

    @override
    def back(self) -> bool:
        return self.query_one(FilterBar).end() or self.table.unmark()

    def open(self, row: Row) -> None:
        """Open what a row shows."""

    def action_filter(self) -> None:
        """Type a filter."""
        self.query_one(FilterBar).open()

    def action_mark(self) -> None:
        """Select the row under the cursor, or unselect it."""
        self.table.toggle()
        self.redraw()

    def action_mark_all(self) -> None:
        """Select all rows that are shown, or none."""
        self.table.mark_all()
        self.redraw()

    @on(Input.Changed, "FilterBar")
    def _filtered(self, event: Input.Changed) -> None:
        self.table.narrow(self.session.filter_of(event.value) if event.value else None)
        self.redraw()

    @on(FilterBar.Kept)
    def _filter_kept(self) -> None:
        self.table.focus()
        self.redraw()

    @on(DataTable.RowSelected)
    def _chosen(self, event: DataTable.RowSelected) -> None:
        table = event.data_table
        if isinstance(table, RowsTable) and table.current is not None:
            self.open(table.current)
