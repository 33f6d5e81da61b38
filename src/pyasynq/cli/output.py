"""Prints rows as a table, JSON, JSON lines or CSV. Data goes to stdout, messages to stderr."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

import click
import msgspec

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


def table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return aligned columns, two spaces apart, with dashes under the headings."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [
        max(len(heading), *(len(row[i]) for row in texts), 0) for i, heading in enumerate(headings)
    ]
    lines = [headings, ["-" * len(heading) for heading in headings], *texts]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def as_json(value: object) -> str:
    """Return *value* as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(plain(value)), indent=2).decode()


def as_lines(rows: Sequence[Mapping[str, object]]) -> str:
    """Return one JSON object a line."""
    return "\n".join(msgspec.json.encode(plain(row)).decode() for row in rows)


def as_csv(rows: Sequence[Mapping[str, object]]) -> str:
    """Return a heading and one line a row."""
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(plain(row) for row in rows)
    return text.getvalue().rstrip("\n")


def plain(value: Any) -> Any:
    """Return *value* of JSON types: durations in seconds, moments in RFC 3339.

    Bytes that are not UTF-8, which are surrogates in a text, are escaped.
    """
    if isinstance(value, str):
        data = value.encode("utf-8", "surrogateescape")
        return data.decode("utf-8", "backslashreplace")
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value
