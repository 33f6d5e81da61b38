"""Every command line of the documents exists, with its options; none of them is run."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent

import click
import pytest

from pyasynq.cli.main import pyasynq
from pyasynq.cli.value_types import State

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCED = re.compile(r"```.*?```", re.DOTALL)
WHOLE = re.compile(r"^ {4}(?:\$ )?(pyasynq [^\n]+)$", re.MULTILINE)
INLINE = re.compile(r"`(pyasynq (?!cannot be loaded)[^`\n]+)`")
END = re.compile(r"\s{2,}#.*|\s+(\\?\||>|&&).*")  # a comment, a pipe, the next command
PLACEHOLDER = re.compile(r"…|[A-Z_]+|.*\.\.\.")


def command_lines(pattern: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    """Yield the name of a page and a command line, each once."""
    seen = set()
    for page in PAGES:
        text = FENCED.sub(lambda found: indent(found[0], "    "), page.read_text())
        for line in pattern.findall(text):
            words = END.sub("", line)
            if words not in seen and re.match(r"pyasynq (-|[a-z])", words):
                seen.add(words)
                yield page.relative_to(ROOT).as_posix(), words


def parsed(line: str) -> tuple[click.Command, dict[str, object]]:
    """Return the command of a line, and what its options are given.

    Raises:
        click.UsageError: there is no such command or option, or a value is missing.
    """
    words = [each for each in shlex.split(line)[1:] if each != "…"]
    command: click.Command = pyasynq
    context = click.Context(command, info_name="pyasynq")
    given: dict[str, object] = {}
    while isinstance(command, click.Group):
        found, words, _order = command.make_parser(context).parse_args(words)
        given |= found
        if not words:
            return command, given
        name, command, words = command.resolve_command(context, words)
        assert command is not None
        context = click.Context(command, info_name=name, parent=context)
    found, _words, _order = command.make_parser(context).parse_args(words)
    return command, given | found


def test_every_command_line_is_one_that_works():
    assert [fault for page, line in command_lines(WHOLE) for fault in faults(page, line)] == []


def test_every_command_that_is_mentioned_exists_with_its_options():
    found = [fault for page, line in command_lines(INLINE) for fault in faults(page, line)]

    # An option may be mentioned without its value.
    assert [fault for fault in found if "requires an argument" not in fault] == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("pyasynq tasks ls", "No such command"),
        ("pyasynq task ls -q mail --stat=archived", "No such option"),
        ("pyasynq task ls -q", "requires an argument"),
        ("pyasynq task ls -q mail -s failed", "'failed'"),
    ],
)
def test_a_wrong_line_would_be_found(line, fault):
    assert fault in str(list(faults("page", line)))


def faults(page: str, line: str) -> Iterator[str]:
    """Yield what is wrong with a command line."""
    try:
        command, given = parsed(line)
    except click.UsageError as error:
        yield f"{page}: {line}: {error.format_message()}"
        return
    for each in command.params:
        values = given.get(each.name or "")
        if not isinstance(each.type, click.Choice | State) or not isinstance(values, str | list):
            continue
        for value in [values] if isinstance(values, str) else values:
            try:
                PLACEHOLDER.fullmatch(value) or each.type.convert(value, each, None)
            except click.UsageError as error:
                yield f"{page}: {line}: {error.format_message()}"
