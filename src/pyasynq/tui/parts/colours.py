"""Colours for a dark and for a light terminal; each says what it stands for.

No colour is the only sign of anything: with NO_COLOR, all of them are shades of grey.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from textual.theme import Theme

from pyasynq.task import TaskState


@dataclass(frozen=True, slots=True, kw_only=True)
class Colours:
    """What texts are coloured with.

    Attributes:
        states: of each state of a task.
        dim: of what is less important.
        strong: of what is more important.
        good, warning, bad: of a judgement.
        accent: of names and keys.
    """

    states: Mapping[TaskState, str]
    dim: str
    strong: str
    good: str
    warning: str
    bad: str
    accent: str


DARK = Colours(
    states={
        TaskState.ACTIVE: "#6cc091",
        TaskState.PENDING: "#6ea8e0",
        TaskState.AGGREGATING: "#5fb8b8",
        TaskState.SCHEDULED: "#a594e0",
        TaskState.RETRY: "#dfb15e",
        TaskState.ARCHIVED: "#e07a7a",
        TaskState.COMPLETED: "#8b97a8",
    },
    dim="#8b97a8",
    strong="bold #eef2f7",
    good="#6cc091",
    warning="#dfb15e",
    bad="#e88686",
    accent="#7cb7ee",
)
LIGHT = Colours(
    states={
        TaskState.ACTIVE: "#1d7a46",
        TaskState.PENDING: "#1f63b0",
        TaskState.AGGREGATING: "#0f7373",
        TaskState.SCHEDULED: "#6543b5",
        TaskState.RETRY: "#8f5c00",
        TaskState.ARCHIVED: "#b3313b",
        TaskState.COMPLETED: "#5a6675",
    },
    dim="#5a6675",
    strong="bold #10161f",
    good="#1d7a46",
    warning="#8f5c00",
    bad="#b3313b",
    accent="#1f63b0",
)

DARK_THEME = Theme(
    name="dark",
    primary="#6ea8e0",
    secondary="#5fb8b8",
    accent="#7cb7ee",
    warning="#dfb15e",
    error="#e07a7a",
    success="#6cc091",
    foreground="#cfd7e3",
    background="#12161d",
    surface="#161b24",
    panel="#1d2430",
    dark=True,
    variables={"row-cursor": "#26405c", "row-cursor-idle": "#202733"},
)
LIGHT_THEME = Theme(
    name="light",
    primary="#1f63b0",
    secondary="#0f7373",
    accent="#1f63b0",
    warning="#8f5c00",
    error="#b3313b",
    success="#1d7a46",
    foreground="#232b36",
    background="#fbfcfd",
    surface="#f4f6f9",
    panel="#e8ecf2",
    dark=False,
    variables={"row-cursor": "#cfe2f7", "row-cursor-idle": "#e6ebf2"},
)
THEMES = {DARK_THEME.name: DARK, LIGHT_THEME.name: LIGHT}


def theme_of(colours_of_terminal: str) -> str:
    """Return the theme that fits a terminal.

    Args:
        colours_of_terminal: the variable COLORFGBG, such as "15;0", which some terminals set; the
            number behind the last semicolon is the background.
    """
    background = colours_of_terminal.rpartition(";")[2]
    return "light" if background in ("7", "15") else "dark"
