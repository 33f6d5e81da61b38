"""Findings as people see them: what was found, what to do, and what that follows from."""

import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pyasynq.admin.spans import moment
from pyasynq.cli.table import escaped
from pyasynq.cli.terminal import columns_of, styled, wants_colours
from pyasynq.cli.text_width import padded, wrapped
from pyasynq.inspector import Finding
from pyasynq.shown import span

STYLES = {"error": "red", "warning": "yellow", "info": "green"}
MARGIN = len("warning") + 2
NARROWEST = 40  # columns; on a narrower terminal the lines are broken by it


def findings_on_screen(
    heading: str, findings: Sequence[Finding], *, known: Collection[object] = ()
) -> str:
    """Return a heading and findings for stdout; what a sentence has said is not repeated.

    Args:
        heading: what they are about.
        findings: the most decisive first.
        known: values that the reader has given, which are not repeated.
    """
    is_coloured = wants_colours(sys.stdout)
    columns = columns_of(sys.stdout)
    width = None if columns is None else max(NARROWEST, columns) - MARGIN
    lines = [styled(escaped(heading), "bold") if is_coloured else escaped(heading)]
    for finding in findings:
        label = padded(finding.severity, MARGIN)
        if is_coloured:
            label = styled(label, STYLES[finding.severity])
        first, *others = _lines(finding, width, known)
        lines += ["", label + first, *(" " * MARGIN + each for each in others)]
    return "\n".join(lines)


def _lines(finding: Finding, width: int | None, known: Collection[object]) -> Iterator[str]:
    yield from _wrapped(f"{finding.sentence} ({finding.code})", width)
    if finding.advice:
        yield from _wrapped(f"To do: {finding.advice}", width)
    for name, value in finding.evidence.items():
        is_said = isinstance(value, str | datetime | timedelta) and _text(value) in finding.sentence
        if value not in (None, "", [], {}) and value not in known and not is_said:
            yield from _evidence(name.replace("_", " "), value, width)


def _evidence(name: str, value: Any, width: int | None) -> Iterator[str]:
    if isinstance(value, list | tuple) and isinstance(value[0], Mapping):
        yield f"- {name}:"
        for each in value:
            yield from _wrapped(f"  - {_text(each)}", width, indent=4)
    else:
        yield from _wrapped(f"- {name}: {_text(value)}", width, indent=2)


def _text(value: Any) -> str:
    """Return a value of the evidence in one line."""
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, timedelta):
        return span(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        pairs = ((str(name).replace("_", " "), each) for name, each in value.items())
        return ", ".join(f"{name} {_text(each)}" for name, each in pairs if each is not None)
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return str(value)


def _wrapped(text: str, width: int | None, indent: int = 0) -> list[str]:
    plain = escaped(text.replace("\n", " "))
    return [plain] if width is None else wrapped(plain, width, indent=indent)
