"""Every line of the log is explained, and every line that is explained can be logged."""

import re
from pathlib import Path

import pytest

from tests.support.log_calls import LogLine, all_lines

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "log-lines.md"
LEVELS = {"DEBUG", "INFO", "WARNING", "ERROR"}
EXPLAINED = re.compile(r"\| (?P<texts>`.*?`) \| (?P<levels>[A-Z, ]+) \| [^|]+ \| [^|]+ \|")


def explained() -> dict[tuple[str, str], set[str]]:
    """Return the levels of each line of the page, by logger and text."""
    found: dict[tuple[str, str], set[str]] = {}
    logger = ""
    for row in PAGE.read_text().splitlines():
        if row.startswith("#"):
            logger = row.strip("#` ")
        elif row.startswith("| `"):
            parts = EXPLAINED.fullmatch(row)
            assert parts, f"not a line, its levels, its cause and what to do: {row}"
            for text in parts["texts"].split("<br>"):
                found[logger, text.strip("`")] = set(parts["levels"].split(", "))
    return found


def row_for(line: LogLine) -> str:
    quote = "``" if "`" in line.text else "`"
    levels = ", ".join(sorted(line.levels)) or "LEVELS"
    return f"under `{line.logger}`: | {quote}{line.text}{quote} | {levels} | CAUSE | WHAT TO DO |"


def is_right(line: LogLine, levels: set[str] | None) -> bool:
    return bool(levels) and levels == (line.levels or levels)


def test_every_line_is_explained_with_its_level():
    page = explained()
    missing = [
        f"{line.place}: write into docs/reference/log-lines.md {row_for(line)}"
        for line in all_lines()
        if not is_right(line, page.get((line.logger, line.text)))
    ]

    assert missing == [], "\n".join(missing)


def test_every_line_that_is_explained_can_be_logged():
    lines = {(line.logger, line.text) for line in all_lines()}
    gone = [
        f"take out of docs/reference/log-lines.md, section `{logger}`: {text}"
        for logger, text in explained()
        if (logger, text) not in lines
    ]

    assert gone == [], "\n".join(gone)


def test_levels_are_those_of_logging():
    assert set().union(*explained().values()) == LEVELS


@pytest.mark.parametrize(
    ("logger", "beginning"),
    [
        ("pyasynq.task", "…[…] failed, attempt … of …, archived: …"),  # built in another function
        ("pyasynq.server", "no task is registered, so each task"),  # yielded in another module
        ("pyasynq.admin", "… by …: begins, job …, filter: …"),
        ("pyasynq.web", "… from … was refused …: …"),
        ("pyasynq.supervisor", "every process has ended"),
        ("pyasynq.finisher", "outcomes of queue … are written again"),  # of a LoggedOnce
        ("pyasynq.scheduler", "cannot sync periodic tasks; the old ones stay: …"),  # a constant
        ("pyasynq.client", "redis does not tell its time"),  # of another module
    ],
)
def test_the_source_is_read_in_every_room(logger, beginning):
    lines = [line for line in all_lines() if line.logger == logger]

    assert any(line.text.startswith(beginning) for line in lines)
