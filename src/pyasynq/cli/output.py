"""Prints rows as a table, JSON, JSON lines or CSV. Data goes to stdout, messages to stderr."""

import csv
import io
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, TypeVar

import click
import msgspec

from pyasynq.cli import table as tables
from pyasynq.cli.terminal import columns_of, wants_colours
from pyasynq.shown import shown, without_surrogates

F = TypeVar("F", bound=Callable[..., Any])

FORMATS = ("table", "json", "jsonl", "csv")


def output_option(function: F) -> F:
    """Add ``-o/--output``."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(FORMATS),
        default="table",
        show_default=True,
        help="Form of the output.",
    )(function)


def quiet_option(function: F) -> F:
    """Add ``--quiet``."""
    return click.option("--quiet", is_flag=True, help="Print nothing but IDs or names.")(function)


def print_rows(
    rows: Sequence[Mapping[str, object]],
    output: str,
    *,
    page: Callable[[], str],
    document: object = None,
) -> None:
    """Print rows in the form that the user has chosen.

    Args:
        rows: all of the same fields.
        output: the form.
        page: makes what is printed for people; nothing is printed if that is empty.
        document: what is printed as JSON; the list of the rows if not given.
    """
    match output:
        case "json":
            text = as_json(rows if document is None else document)
        case "jsonl":
            text = as_lines(rows)
        case "csv":
            text = as_csv(rows)
        case _:
            text = page()
    if text:
        click.echo(text)


def print_names(names: Sequence[str]) -> None:
    """Print one name a line, what cannot be printed escaped."""
    for name in names:
        click.echo(shown(name, max(1, len(name))))


def on_screen(
    headings: Sequence[str], rows: Sequence[Sequence[object]], *, cuttable: Collection[str] = ()
) -> str:
    """Return a table that fits stdout; see `table`."""
    return tables.table(
        headings,
        rows,
        width=columns_of(sys.stdout),
        cuttable=cuttable,
        is_coloured=wants_colours(sys.stdout),
    )


def fields_on_screen(pairs: Sequence[tuple[str, object]]) -> str:
    """Return names and values for stdout; see `fields`."""
    return tables.fields(pairs, is_coloured=wants_colours(sys.stdout))


def note(text: str) -> None:
    """Tell something that is not data, on stderr."""
    click.echo(text, err=True)


def as_json(value: object) -> str:
    """Return *value* as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(plain(value)), indent=2).decode()


def as_lines(rows: Sequence[Mapping[str, object]]) -> str:
    """Return one JSON object a line."""
    return "\n".join(msgspec.json.encode(plain(row)).decode() for row in rows)


def as_csv(rows: Sequence[Mapping[str, object]]) -> str:
    """Return a heading and one line a row; what is no single value is JSON."""
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _in_csv(value) for name, value in row.items()} for row in rows)
    return text.getvalue().rstrip("\n")


def plain(value: Any) -> Any:
    """Return *value* of JSON types: durations in seconds, moments in RFC 3339.

    Bytes that are not UTF-8, which are surrogates in a text, are escaped.
    """
    if isinstance(value, str):
        return without_surrogates(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, date):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Mapping):
        return {plain(str(key)): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value


def _in_csv(value: object) -> object:
    made = plain(value)
    return msgspec.json.encode(made).decode() if isinstance(made, dict | list) else made
