"""All that is known about a task, as text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from rich.text import Text

from pyasynq.admin.payload_text import indented_json, payload_text
from pyasynq.admin.spans import ago, moment, until
from pyasynq.inspector import Finding, ServerInfo, WorkerInfo
from pyasynq.shown import shown, span
from pyasynq.task import Progress, TaskInfo, TaskState
from pyasynq.tui.parts.bars import EMPTY, FULL
from pyasynq.tui.parts.colours import Colours

Form = Literal["JSON", "text", "hex"]
FORMS: tuple[Form, ...] = ("JSON", "text", "hex")

LABEL = 14  # columns
MOST_FINDINGS = 3
BAR = 20
LONGEST = 50_000  # characters of a payload or a result


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskData:
    """What is shown of a task.

    Attributes:
        info: the task.
        progress: how far its handler said that it is; None if it said nothing.
        server: the server that runs it; None if none says so.
        worker: what that server says about it.
        findings: why it does not run, the most decisive first.
    """

    info: TaskInfo
    progress: Progress | None = None
    server: ServerInfo | None = None
    worker: WorkerInfo | None = None
    findings: Sequence[Finding] = ()


def task_text(data: TaskData, now: datetime, colours: Colours, form: Form) -> Text:
    """Return all of a task; payload and result in *form*."""
    text = Text()
    for name, value in _fields(data, now, colours):
        text.append(f"{name:<{LABEL}}", colours.dim)
        text.append(value if isinstance(value, Text) else Text(value)).append("\n")
    text.append(_findings(data.findings, colours))
    info = data.info
    sections = [
        ("Last error", printable(info.last_error), colours.bad),
        ("Headers", _headers(info), ""),
        (f"Payload · {form}", in_form(info.payload, form) or "none", ""),
        (f"Result · {form}", in_form(info.result or b"", form), ""),
    ]
    for title, content, style in sections:
        if content:
            text.append(f"\n{title}\n", colours.strong)
            text.append(content, style).append("\n")
    text.rstrip()
    return text


def in_form(data: bytes, form: Form) -> str:
    """Return a payload or a result: as JSON if it is JSON, as text, or as hexadecimal digits."""
    if form == "hex":
        return payload_text(data, as_hex=True) if _is_binary(data) else f"0x{data.hex()}"[:LONGEST]
    pretty = indented_json(data) if form == "JSON" else None
    text = payload_text(data) if pretty is None else pretty
    more = len(text) - LONGEST
    return printable(text[:LONGEST]) + (f"\n… ({more:,} more characters)" if more > 0 else "")


def printable(text: str) -> str:
    """Return lines of text; what cannot be printed is escaped."""
    lines = text.replace("\t", "    ").replace("\r", "").split("\n")
    return "\n".join(shown(line, max(1, len(line))) for line in lines)


def _is_binary(data: bytes) -> bool:
    return payload_text(data) != payload_text(data, as_hex=True)


def _findings(findings: Sequence[Finding], colours: Colours) -> Text:
    """Return what was found, and what to do about it."""
    styles = {"error": colours.bad, "warning": colours.warning, "info": colours.good}
    text = Text()
    for finding in findings[:MOST_FINDINGS]:
        text.append("\n● ", styles[finding.severity]).append(printable(finding.sentence))
        if finding.advice:
            text.append(f"\n  {printable(finding.advice)}", colours.dim)
    return text.append("\n") if findings else text


def _headers(info: TaskInfo) -> str:
    return "\n".join(f"{printable(k)} = {printable(v)}" for k, v in sorted(info.headers.items()))


def _fields(data: TaskData, now: datetime, colours: Colours) -> Iterator[tuple[str, Text | str]]:
    info, server, worker = data.info, data.server, data.worker
    is_waiting = info.state is not TaskState.PENDING
    yield "State", _state(data, colours)
    if data.progress is not None:
        yield "Progress", _progress(data.progress, now, colours)
    known = {
        "Runs on": "" if server is None else f"{shown(server.host)}:{server.pid}",
        "Started": "" if worker is None else _when(worker.started_at, now),
        "Ends": "" if worker is None else _when(worker.deadline, now),
        "Due": _when(info.next_process_at, now) if is_waiting else "",
        "Completed": _when(info.completed_at, now),
        "Retried": f"{info.retried} of {info.max_retry}",
        "Last failed": _when(info.last_failed_at, now),
        "Group": shown(info.group),
        "Timeout": span(info.timeout) if info.timeout else "",
        "Deadline": _when(info.deadline, now),
        "Retention": span(info.retention) if info.retention else "",
        "ID": shown(info.id, 300),
    }
    yield from ((name, value) for name, value in known.items() if value)


def _state(data: TaskData, colours: Colours) -> Text:
    info = data.info
    text = Text(info.state.value, f"bold {colours.states[info.state]}")
    if info.is_orphaned:
        text.append("  its worker is gone; a server of the queue recovers it", colours.bad)
    return text


def _progress(progress: Progress, now: datetime, colours: Colours) -> Text:
    text = Text()
    fraction = progress.fraction
    if fraction is not None:
        full = round(BAR * fraction)
        text.append(FULL * full, colours.good).append(EMPTY * (BAR - full), colours.dim)
        text.append(f" {fraction:.0%}  ")
    total = "" if progress.total is None else f" of {progress.total:,g}"
    text.append(f"{progress.done:,g}{total}")
    note = f"  {printable(progress.note)}" if progress.note else ""
    return text.append(f"{note}  ({ago(progress.at, now)})", colours.dim)


def _when(time: datetime | None, now: datetime) -> str:
    if time is None:
        return ""
    return f"{moment(time)} ({ago(time, now) if time <= now else until(time, now)})"
