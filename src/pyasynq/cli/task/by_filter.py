"""What the verbs do to all tasks that match a filter."""

import getpass
import sys

import click

from pyasynq.admin.bulk import MOST_SCANNED, BulkJob
from pyasynq.admin.filters import Filter
from pyasynq.admin.jobs import Bounds, JobResult, PlaceCount, Preview, with_margin
from pyasynq.admin.rates import counted
from pyasynq.cli.confirm import is_confirmed
from pyasynq.cli.exit_codes import FAILURE, INTERRUPTED, PARTLY
from pyasynq.cli.inspecting import inspecting, now
from pyasynq.cli.interrupts import asked_to_stop
from pyasynq.cli.output import note, on_screen
from pyasynq.cli.progress_bar import ProgressBar, progress_bar
from pyasynq.cli.task.filtering import Filtering, filter_of
from pyasynq.cli.task_page import mixed_table
from pyasynq.errors import PyasynqError
from pyasynq.inspector import Inspector
from pyasynq.inspector.changes import Change
from pyasynq.shown import shown

DONE = {
    "run": "made pending",
    "archive": "archived",
    "delete": "deleted",
    "cancel": "asked to be cancelled",
    "reschedule": "rescheduled",
}
HARMLESS = ("run",)  # nothing is lost
MOST_TOLD = 10  # failures that are told one by one


def change_matching(
    change: Change, filtering: Filtering, *, queue: str | None, redis_url: str | None
) -> int:
    """Change the tasks that match, unless they are only to be shown; return the exit code."""
    query = filter_of(filtering, queue)
    with inspecting(redis_url) as inspector:
        is_asking = not filtering.yes and change.verb not in HARMLESS
        bounds = None
        if filtering.dry_run or is_asking:
            if not filtering.dry_run:
                _check_somebody_can_be_asked(change)
            preview = BulkJob(inspector, change).preview(query, scan=MOST_SCANNED)
            if not preview.count:
                return _tell_none(preview, filtering)
            what = _told(change, preview, filtering.limit)
            if filtering.dry_run:
                click.echo(f"Would {what}\n\n{_shown(preview)}")
                _tell_broken(preview.broken)
                return 0
            note(_shown(preview))
            if not is_confirmed(what[0].upper() + what[1:], yes=False):
                return FAILURE
            bounds = preview.bounds(with_margin(preview.count))
        result = _run(inspector, change, query, filtering, bounds)
    return _tell(change, result)


def _tell_none(preview: Preview, filtering: Filtering) -> int:
    """Say that no task matches, or that none does of those that were looked at."""
    _tell_broken(preview.broken)
    if not preview.is_estimated:
        note("No task matches.")
        return 0
    note(
        f"{_shown(preview)}\nNo task matches of those that were looked at; others may. Name a "
        "queue or a state to look at fewer, or give --yes to look at all and change what matches."
    )
    return 0 if filtering.dry_run else FAILURE


def _check_somebody_can_be_asked(change: Change) -> None:
    """Raise a UsageError before a million tasks are counted for nothing."""
    if not sys.stdin.isatty():
        is_confirmed(change.verb, yes=False)


def _run(
    inspector: Inspector,
    change: Change,
    query: Filter,
    filtering: Filtering,
    bounds: Bounds | None,
) -> JobResult:
    with asked_to_stop() as is_cancelled, progress_bar() as bar:
        job = BulkJob(
            inspector,
            change,
            limit=filtering.limit,
            per_second=filtering.rate,
            bounds=bounds,
            on_progress=lambda result: _show(bar, change, result),
            is_cancelled=is_cancelled,
            who=_user(),
        )
        try:
            return job.run(query)
        except PyasynqError:
            if job.result.done:
                bar.clear()
                note(f"Stopped after {counted(job.result.done, 'task')} {DONE[change.verb]}.")
            raise


def _show(bar: ProgressBar, change: Change, result: JobResult) -> None:
    text = f"{result.done:,} {DONE[change.verb]}, {result.scanned:,} looked at"
    bar.show(text, result.scanned / result.total if result.total else None)


def _told(change: Change, preview: Preview, limit: int | None) -> str:
    count = preview.count if limit is None else min(limit, preview.count)
    about = "about " if preview.is_estimated and count == preview.count else ""
    return f"{change.verb} {about}{counted(count, 'task')}"


def _shown(preview: Preview) -> str:
    """Return where the tasks are, and some of them."""
    rows = [[each.queue, each.state.value, _count_text(each)] for each in preview.places]
    return "\n\n".join(
        [on_screen(["Queue", "State", "Tasks"], rows), mixed_table(preview.sample, now())]
    )


def _count_text(place: PlaceCount) -> str:
    if not place.is_estimated:
        return f"{place.count:,}"
    if not place.count:
        return f"none among {place.scanned:,} of {place.size:,}"
    return f"~{place.count:,}"


def _tell(change: Change, result: JobResult) -> int:
    """Say what became of a job; return the exit code."""
    text = f"{counted(result.done, 'task')} {DONE[change.verb]}"
    if result.changed_meanwhile:
        text += f"; {result.changed_meanwhile:,} had changed meanwhile and were left alone"
    if result.failed:
        text += f"; {result.failed:,} failed"
    click.echo(text)
    for each in result.failures[:MOST_TOLD]:
        note(f"Error: task {shown(each.id)} of queue {shown(each.queue)}: {each.reason}")
    _tell_broken(result.broken)
    if result.is_cancelled:
        note(
            f"Interrupted after {result.scanned:,} of {result.total:,} tasks were looked at; "
            "the same command goes on."
        )
        return INTERRUPTED
    if result.is_capped:
        note("It stopped there, since no more were confirmed; the same command finds what is left.")
        return PARTLY
    if result.failed or result.broken:
        return PARTLY if result.done else FAILURE
    return 0


def _tell_broken(broken: tuple[str, ...] | list[str]) -> None:
    for each in broken:
        note(f"Error: {each}")


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may have no name for its user
        return ""
