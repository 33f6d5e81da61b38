"""What is above and below every view: tabs, whether it is live, and what keeps it from being so."""

from collections.abc import Iterable

from rich.text import Text
from textual.widgets import Static

from pyasynq.tui.parts.colours import Colours

TABS = ("Queues", "Servers", "Schedulers", "Redis", "Attention")
LIVE, HELD, STALE = "● live", "‖ held", "▲ stale"


class TopBar(Static):
    """The views that there are, and how fresh this one is."""

    def draw(self, current: str, status: Text, colours: Colours) -> None:
        """Show which view is open, and the status at the right."""
        bar = Text(no_wrap=True, end="")
        for number, name in enumerate(TABS, start=1):
            is_open = name == current
            bar.append(f" {number} ", colours.accent if is_open else colours.dim)
            bar.append(name, f"{colours.strong} underline" if is_open else colours.dim).append(" ")
        gap = max(1, self.size.width - bar.cell_len - status.cell_len - 1)
        self.update(Text.assemble(bar, " " * gap, status, end=""))


class Banner(Static):
    """What is wrong, in as many lines as that needs; it takes no place if nothing is."""

    def tell(self, text: str) -> None:
        """Show *text*; nothing if it is empty."""
        self.update(Text(text))
        self.display = bool(text)


class Heading(Static):
    """What the view shows: its name, and a summary."""

    def draw(self, name: Text, summary: Text, aside: Text) -> None:
        """Show the name, the summary, and at the right the rest, for which the summary is cut."""
        width = self.content_size.width
        left = Text.assemble(name, "  ", summary, end="")
        left.truncate(max(name.cell_len, width - aside.cell_len - 2), overflow="ellipsis")
        gap = max(0, width - left.cell_len - aside.cell_len)
        self.update(Text.assemble(left, " " * gap, aside, end="", no_wrap=True))


class Hints(Static):
    """The most important keys; Textual's own Footer, a widget for each key, costs much more."""

    def draw(self, hints: Iterable[tuple[str, str]], colours: Colours) -> None:
        """Show keys, and what they do."""
        line = Text(no_wrap=True, overflow="crop", end="")
        for keys, does in hints:
            line.append(f" {keys} ", f"bold {colours.accent}").append(f"{does} ", colours.dim)
        self.update(line)


class Note(Static):
    """What stands in the place of rows where there are none, and what to do then."""

    def tell(self, title: str, what_to_do: str, colours: Colours) -> None:
        """Show a title and some lines."""
        self.update(Text.assemble((title, colours.strong), "\n\n", (what_to_do, colours.dim)))
