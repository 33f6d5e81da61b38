"""``pyasynq task export`` and ``import``: tasks as files of text."""

import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO

import click

from pyasynq.admin.overview import STATES
from pyasynq.admin.rates import counted
from pyasynq.cli.confirm import dry_run_option
from pyasynq.cli.connect import redis_url_option
from pyasynq.cli.exit_codes import CONFLICT, FAILURE, PARTLY
from pyasynq.cli.inspecting import inspecting
from pyasynq.cli.live_words import queue_names
from pyasynq.cli.output import note, output_option, print_rows
from pyasynq.cli.progress_bar import ProgressBar, progress_bar
from pyasynq.cli.value_types import group_option, state_option
from pyasynq.errors import EnqueueError, ImportLineError, PyasynqError
from pyasynq.inspector import BadLine, DamagedTask, ImportResult, Inspector
from pyasynq.inspector.imports import Active, OnConflict
from pyasynq.shown import shown
from pyasynq.task import TaskState

STEP = 200  # tasks from one picture of the bar to the next


@click.command("export")
@click.argument("file", default="-", metavar="[FILE]")
@click.option(
    "-q", "--queue", shell_complete=queue_names, help="The queue; all queues if not given."
)
@state_option(*STATES, required=False)
@group_option
@click.option("-i", "--id", "task_id", help="One task of the queue.")
@redis_url_option
@output_option
def export(
    *,
    file: str,
    queue: str | None,
    state: TaskState | None,
    group: str | None,
    task_id: str | None,
    redis_url: str | None,
    output: str,
) -> None:
    """Write tasks to a file.

    Or to stdout, if no FILE is given. They are lines of JSON that hold everything; `task import`
    stores them in any Redis. FILE is there when all of it is written, not before. Tasks that
    cannot be read are told on stderr, and written as far as they are there.
    """
    if file == "-" and output != "table":
        raise click.UsageError("tasks go to stdout; name a FILE to see the counts in another form")
    damaged = 0
    is_quiet = file != "-" or not sys.stdout.isatty()  # what is written does not show on a terminal

    def tell(task: DamagedTask) -> None:
        nonlocal damaged
        damaged += 1
        bar.clear()
        what = f"task {shown(task.id)!r}" if task.id else f"{task.state.value} tasks"
        note(f"{what} of queue {shown(task.queue)!r}: {task.reason}")

    with inspecting(redis_url) as inspector, progress_bar(is_wanted=is_quiet) as bar:
        lines = inspector.tasks.export(
            queue, state=state, group=group, task_id=task_id, on_damaged=tell
        )
        is_counted = bar.is_shown and task_id is None
        total = _total(inspector, queue, state, group) if is_counted else 0
        with _written(file) as write:
            count = 0
            for count, line in enumerate(lines, 1):
                write(line)
                if not count % STEP:
                    bar.count(count, total)
    text = f"Exported {counted(count, 'task')}" + (f", {damaged} damaged" if damaged else "")
    if file == "-":
        note(text)
        return
    summary = {"exported": count, "damaged": damaged, "file": file}
    print_rows([summary], output, page=lambda: f"{text} to {shown(file)}", document=summary)


@click.command("import")
@click.argument("file", default="-", metavar="[FILE]")
@click.option(
    "--on-conflict",
    type=click.Choice(("skip", "fail", "new-id")),
    default="skip",
    show_default=True,
    help="What to do if the ID of a task is taken, or another task holds its unique lock.",
)
@click.option(
    "--active",
    type=click.Choice(("pending", "active")),
    default="pending",
    show_default=True,
    help="What tasks become that were running.",
)
@click.option(
    "-q",
    "--queue",
    shell_complete=queue_names,
    help="Store all tasks in this queue, not in their own.",
)
@dry_run_option
@redis_url_option
@output_option
def import_(
    *,
    file: str,
    on_conflict: OnConflict,
    active: Active,
    queue: str | None,
    dry_run: bool,
    redis_url: str | None,
    output: str,
) -> int:
    """Store tasks that `task export` has written.

    Each in the state that it had, from FILE or from stdin. If it is stopped, run it again: it
    skips what it has stored, and goes on. Lines that are no tasks are told on stderr and left out.
    """
    bad: list[int] = []
    result = ImportResult()

    def tell(line: BadLine) -> None:
        bad.append(line.line)
        bar.clear()
        note(f"Error: line {line.line}: {shown(line.reason, 1000)}")

    with (
        progress_bar() as bar,
        _lines(file, bar) as (lines, show),
        inspecting(redis_url) as inspector,
    ):

        def keep(so_far: ImportResult) -> None:
            nonlocal result
            result = so_far
            show()

        try:
            result = inspector.tasks.import_(
                lines,
                on_conflict=on_conflict,
                active=active,
                queue=queue,
                dry_run=dry_run,
                on_progress=keep,
                on_bad_line=tell,
            )
        except (KeyboardInterrupt, PyasynqError) as error:
            if result.lines:
                note(f"Stopped after {_told(result)}; run it again to go on.")
            bar.clear()
            if isinstance(error, ImportLineError) and isinstance(error.__cause__, EnqueueError):
                note(f"Error: {error}")
                return CONFLICT
            raise
    verb = "Would import" if dry_run else "Imported"
    document = asdict(result)
    print_rows([document], output, page=lambda: f"{verb} {_told(result)}", document=document)
    if not result.bad:
        return 0
    return PARTLY if result.bad < result.lines else FAILURE


def _told(result: ImportResult) -> str:
    parts = [counted(result.imported, "task")]
    if result.renamed:
        parts[0] += f" ({result.renamed:,} under new IDs)"
    if result.skipped:
        parts.append(f"skipped {result.skipped:,} that are there")
    if result.bad:
        parts.append(counted(result.bad, "bad line"))
    return ", ".join(parts)


def _total(
    inspector: Inspector, queue: str | None, state: TaskState | None, group: str | None
) -> int:
    """Return how many tasks there are to export, about."""
    if queue is None:
        infos = list(inspector.queues.infos(memory=False))
    elif group is not None:
        return sum(each.size for each in inspector.groups.list(queue) if each.group == group)
    else:
        infos = [inspector.queues.info(queue, memory=False)]
    return sum(each.size if state is None else getattr(each, state.value) for each in infos)


@contextmanager
def _written(file: str) -> Iterator[Callable[[str], object]]:
    """Open a file to write lines to it; it gets its name when all are written."""
    if file == "-":
        stdout = sys.stdout.buffer  # JSON is UTF-8, whatever the locale
        yield lambda line: stdout.write(line.encode())
        stdout.flush()
        return
    part = Path(f"{file}.part")
    try:
        with part.open("wb") as opened:
            yield lambda line: opened.write(line.encode())
        part.replace(file)
    except OSError as error:
        if isinstance(error, PyasynqError):
            raise
        raise click.FileError(file, hint=error.strerror or str(error)) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


@contextmanager
def _lines(file: str, bar: ProgressBar) -> Iterator[tuple[Iterator[bytes], Callable[[], None]]]:
    """Open a file; yield its lines, and a function that shows on *bar* how far they are read."""
    if file == "-" and sys.stdin.isatty():
        raise click.UsageError("name the FILE with the tasks, or pipe it in")
    try:
        source = click.open_file(file, "rb")
    except OSError as error:
        raise click.UsageError(f"{file!r} cannot be read: {error.strerror or error}") from error
    with source as opened:
        size = _size(opened)
        done = 0

        def lines() -> Iterator[bytes]:
            nonlocal done
            for line in opened:
                done += len(line)
                yield line

        def show() -> None:
            if size:
                bar.show("", done / size)

        yield lines(), show


def _size(opened: IO[bytes]) -> int:
    """Return how many bytes a file has; 0 for a pipe."""
    try:
        found = os.fstat(opened.fileno())
    except (OSError, ValueError):
        return 0
    return found.st_size if stat.S_ISREG(found.st_mode) else 0
