"""A table whose rows have keys: cursor, selection and scrolling stay with them when it changes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.coordinate import Coordinate
from textual.events import Resize
from textual.widgets import DataTable
from typing_extensions import override

from pyasynq.tui.parts.layout import GAP, Column, Placed, placed

MARK = "●"
MARK_COLUMN = Column(heading=" ")
SCROLLBAR = 1

Matches = Callable[[Sequence[str]], bool]


@dataclass(frozen=True, slots=True)
class Row:
    """A row.

    Attributes:
        key: unique in the table; the same one after a refresh.
        cells: one for each column.
        subject: what it shows.
    """

    key: str
    cells: tuple[Text, ...]
    subject: object


def unique(rows: Sequence[Row]) -> Sequence[Row]:
    """Return *rows* with other keys for those that come again: odd data has the same ID twice."""
    seen: dict[str, int] = {}
    found = []
    for row in rows:
        again = seen[row.key] = seen.get(row.key, 0) + 1
        found.append(row if again == 1 else Row(f"{row.key}\n{again}", row.cells, row.subject))
    return found


class RowsTable(DataTable[Text], inherit_bindings=False):
    """A table with a cursor; with *selectable*, rows can be marked, too.

    Attributes:
        selected: keys of the rows that are marked.
        shown: the rows that match the filter, in order.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select_cursor", "open", show=True),
        Binding("up,k", "cursor_up", "up", show=False),
        Binding("down,j", "cursor_down", "down", show=False),
        Binding("pageup,ctrl+b", "page_up", "page up", show=False),
        Binding("pagedown,ctrl+f", "page_down", "page down", show=False),
        Binding("home,g", "scroll_top", "first", show=False),
        Binding("end,G,shift+g", "scroll_bottom", "last", show=False),
    ]

    def __init__(self, *, selectable: bool = False, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(
            id=id,
            cursor_type="row",
            cell_padding=GAP // 2,
            cursor_foreground_priority="renderable",
        )
        self.selected: set[str] = set()
        self.shown: Sequence[Row] = ()
        self._is_selectable = selectable
        self._given: tuple[Sequence[Column], Sequence[Row]] = ((), ())
        self._matches: Matches | None = None
        self._natural: list[int] = []
        self._placed: tuple[Placed, ...] = ()

    @property
    def current(self) -> Row | None:
        """The row under the cursor; None if there are no rows."""
        at = self.cursor_row
        return self.shown[at] if 0 <= at < len(self.shown) else None

    @property
    def targets(self) -> Sequence[Row]:
        """The rows that are marked and shown, else the one under the cursor."""
        marked = [row for row in self.shown if row.key in self.selected]
        return marked or ([self.current] if self.current else [])

    @property
    def count(self) -> int:
        """How many rows there are, whether they match the filter or not."""
        return len(self._given[1])

    def show(self, columns: Sequence[Column], rows: Sequence[Row]) -> None:
        """Show *rows* in the place of those before."""
        if self._is_selectable:
            columns = (MARK_COLUMN, *columns)
        if columns != self._given[0]:
            self._natural = [0] * len(columns)
        rows = unique(rows)
        self._given = (columns, rows)
        self.selected &= {row.key for row in rows}
        self._draw()

    def narrow(self, matches: Matches | None) -> None:
        """Show only rows that match; every row for None."""
        self._matches = matches
        self._draw()

    def forget(self) -> None:
        """Show no rows and no marks, and go to the top: others come."""
        self.selected.clear()
        self.show(self._given[0][1:] if self._is_selectable else self._given[0], ())

    def toggle(self) -> None:
        """Mark the row under the cursor, or unmark it, and go to the next one."""
        if self.current is None:
            return
        self.selected ^= {self.current.key}
        self._draw()
        if self.cursor_row + 1 < len(self.shown):
            self.action_cursor_down()

    def mark_all(self) -> None:
        """Mark all rows that are shown; none if all are marked."""
        keys = {row.key for row in self.shown}
        self.selected = set() if keys <= self.selected else self.selected | keys
        self._draw()

    def unmark(self) -> bool:
        """Mark no row; return whether one was marked."""
        was_marked = bool(self.selected)
        self.selected.clear()
        self._draw()
        return was_marked

    @override
    def action_cursor_up(self) -> None:
        if self.cursor_row <= 0 and self.shown:  # as in Go, the last row comes before the first
            self.move_cursor(row=len(self.shown) - 1)
        else:
            super().action_cursor_up()

    @override
    def action_cursor_down(self) -> None:
        if self.shown and self.cursor_row >= len(self.shown) - 1:
            self.move_cursor(row=0)
        else:
            super().action_cursor_down()

    @on(Resize)
    def _fit(self) -> None:
        self._draw()

    def _draw(self) -> None:
        columns, rows = self._given
        available = self.size.width - SCROLLBAR
        if not columns or available <= 0:
            return
        shown = [self._marked(row) for row in rows if self._is_match(row)]
        self._measure(columns, shown)
        wanted = placed(columns, self._natural, available)
        before, self.shown = self.shown, shown
        cursor, scroll = self.cursor_row, self.scroll_offset.y
        current = before[cursor].key if 0 <= cursor < len(before) else None
        if wanted != self._placed or len(self.columns) != len(wanted):
            self._placed = wanted
            self._set_columns(columns)
        elif [row.key for row in before] == [row.key for row in shown]:
            self._update(before)
            return
        else:
            self.clear()
        self._fill(current, cursor, scroll)

    def _set_columns(self, columns: Sequence[Column]) -> None:
        self.clear(columns=True)
        for each in self._placed:
            column = columns[each.at]
            heading = Text(column.heading, justify="right" if column.right else "left")
            self.add_column(heading, width=each.width, key=str(each.at))

    def _fill(self, current: str | None, cursor: int, scroll: int) -> None:
        """Add all rows; the cursor goes to the row *current*, or stays where it was."""
        for row in self.shown:
            self.add_row(*self._cells(row), key=row.key)
        keys = [row.key for row in self.shown]
        at = keys.index(current) if current in keys else min(cursor, len(keys) - 1)
        if at > 0:
            self.move_cursor(row=at, scroll=False)
        self.scroll_to(y=scroll, animate=False, immediate=True)
        self.call_after_refresh(self._scroll_cursor_into_view)

    def _update(self, before: Sequence[Row]) -> None:
        """Change the cells that differ from those of *before*, which had the same keys."""
        for at, (old, new) in enumerate(zip(before, self.shown, strict=True)):
            if old.cells == new.cells:
                continue
            for number, value in enumerate(self._cells(new)):
                where = Coordinate(at, number)
                if self.get_cell_at(where) != value:
                    self.update_cell_at(where, value)

    def _cells(self, row: Row) -> list[Text]:
        cells = []
        for each in self._placed:
            column = self._given[0][each.at]
            text = row.cells[each.at].copy()
            text.truncate(each.width, overflow="ellipsis")
            if column.right:
                text.align("right", each.width)
            cells.append(text)
        return cells

    def _measure(self, columns: Sequence[Column], rows: Sequence[Row]) -> None:
        """Widen columns for what is in them; they become no narrower, so that nothing dances."""
        for at, column in enumerate(columns):
            widest = max((row.cells[at].cell_len for row in rows), default=0)
            self._natural[at] = max(self._natural[at], widest, len(column.heading))

    def _marked(self, row: Row) -> Row:
        if not self._is_selectable:
            return row
        mark = Text(MARK if row.key in self.selected else " ", style="bold")
        return Row(row.key, (mark, *row.cells), row.subject)

    def _is_match(self, row: Row) -> bool:
        return self._matches is None or self._matches([cell.plain for cell in row.cells])
