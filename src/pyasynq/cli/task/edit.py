"""``pyasynq task edit`` and ``reschedule``: changes to tasks that wait."""

import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import click
import msgspec

from pyasynq.admin.spans import moment
from pyasynq.cli.connect import redis_url_option
from pyasynq.cli.each import do_each, named
from pyasynq.cli.exit_codes import FAILURE
from pyasynq.cli.inspecting import inspecting, now
from pyasynq.cli.output import note
from pyasynq.cli.value_types import GoDuration, Moment, ids_argument, queue_option
from pyasynq.shown import shown


@click.command("edit")
@click.argument("task_id", metavar="ID")
@queue_option
@click.option("-l", "--payload", help="The new payload.")
@click.option("--payload-file", metavar="FILE", help="A file with the new payload; - for stdin.")
@redis_url_option
def edit(
    *,
    task_id: str,
    queue: str,
    payload: str | None,
    payload_file: str | None,
    redis_url: str | None,
) -> int:
    """Change the payload of a task.

    $VISUAL or $EDITOR opens with it, unless the new one is given. A payload that is JSON must stay
    JSON. Nothing is changed if another changes it meanwhile, or a worker takes the task.
    """
    if payload is not None and payload_file is not None:
        raise click.UsageError("--payload and --payload-file contradict each other; give one")
    with inspecting(redis_url) as inspector:
        before = inspector.tasks.get(queue, task_id).payload
        if payload is None and payload_file is None:
            after = _edited(before)
        else:
            after = _given(payload, payload_file)
            if fault := _fault(before, after):
                raise click.UsageError(fault)
        if after is None:
            return FAILURE
        if after == before:
            note("Nothing was changed.")
            return 0
        inspector.tasks.replace(queue, task_id, payload=after, expected_payload=before)
    click.echo(f"Changed the payload of task {shown(task_id)}")
    return 0


@click.command("reschedule")
@ids_argument
@queue_option
@click.option("--at", type=Moment(), help="When they are due, in RFC 3339 form.")
@click.option("--in", "wait", type=GoDuration(), help="How long from now, such as 10m.")
@redis_url_option
def reschedule(
    *,
    ids: Sequence[str],
    queue: str,
    at: datetime | None,
    wait: timedelta | None,
    redis_url: str | None,
) -> int:
    """Change when tasks are due.

    Scheduled and retried tasks stay what they are; pending and archived ones become scheduled. An
    ID `-` stands for those on stdin, one a line.
    """
    if (at is None) == (wait is None):
        raise click.UsageError("say when, with --at TIME or --in DURATION")
    try:
        due = at or now() + (wait or timedelta(0))
    except OverflowError:
        raise click.UsageError("--in is too far away") from None

    def reschedule_one(task_id: str) -> str:
        inspector.tasks.reschedule(queue, task_id, due)
        return f"Task {shown(task_id)} is due at {moment(due)}"

    with inspecting(redis_url) as inspector:
        return do_each(inspector, named(ids, "ID"), reschedule_one)


def _given(payload: str | None, file: str | None) -> bytes:
    """Return the payload that the command line gives."""
    if payload is not None:
        return payload.encode("utf-8", "surrogateescape")
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file or "").read_bytes()
    except OSError as error:
        raise click.UsageError(f"{file!r} cannot be read: {error.strerror or error}") from error


def _edited(before: bytes) -> bytes | None:
    """Return a payload as the user has edited it; None if that is given up.

    JSON without white space is shown with it, and is stored without it again.
    """
    stored = _text(before)
    is_compact = _is_json(before) and msgspec.json.format(before, indent=-1) == before
    shape = msgspec.json.format(stored, indent=2) if is_compact else stored
    text, extension = shape, ".json" if _is_json(before) else ".txt"
    while True:
        text = click.edit(text, extension=extension, require_save=False) or ""
        if text.rstrip("\n") == shape.rstrip("\n"):
            return before
        after = (text if stored.endswith("\n") else text.removesuffix("\n")).encode()
        fault = _fault(before, after)
        if not fault:
            return msgspec.json.format(after, indent=-1) if is_compact else after
        note(f"Error: {fault}")
        if not sys.stdin.isatty() or not click.confirm("Edit again?", default=True, err=True):
            note("Nothing was changed.")
            return None


def _text(payload: bytes) -> str:
    """Return a payload as an editor can show it and bring it back."""
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        text = "\r"
    if "\r" in text:
        raise click.UsageError("an editor cannot keep these bytes; use --payload-file")
    return text


def _fault(before: bytes, after: bytes) -> str:
    """Return what is wrong with a new payload; empty if nothing is."""
    if not _is_json(before) or _is_json(after):
        return ""
    return "the payload was JSON, and the new one is not"


def _is_json(data: bytes) -> bool:
    try:
        msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True
