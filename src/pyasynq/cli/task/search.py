"""``pyasynq task search`` and ``errors``: tasks by a filter, failures by what went wrong."""

from collections.abc import Sequence
from dataclasses import asdict

import click

from pyasynq.admin.failures import failures
from pyasynq.admin.filters import Filter
from pyasynq.admin.findings import MOST_DAMAGED, MOST_FOUND, Found
from pyasynq.admin.rates import counted
from pyasynq.admin.redaction import Redactor, SecretWords
from pyasynq.admin.search import search
from pyasynq.admin.signatures import FailureGroup
from pyasynq.admin.spans import ago
from pyasynq.admin.task_row import task_row
from pyasynq.cli.connect import redis_url_option
from pyasynq.cli.exit_codes import PARTLY
from pyasynq.cli.inspecting import inspecting, now
from pyasynq.cli.output import (
    note,
    on_screen,
    output_option,
    print_names,
    print_rows,
    quiet_option,
)
from pyasynq.cli.progress_bar import ProgressBar, progress_bar
from pyasynq.cli.task.filtering import parsed
from pyasynq.cli.task_page import mixed_table
from pyasynq.cli.value_types import hex_option
from pyasynq.clock import to_datetime
from pyasynq.inspector import Inspector
from pyasynq.shown import shown

redact_option = click.option(
    "--redact", is_flag=True, help="Hide the values of keys such as password or token."
)
query_argument = click.argument("query", nargs=-1, metavar="[FILTER]...")
scan_option = click.option(
    "--scan", type=click.IntRange(min=1), help="Look at so many tasks; all if not given."
)


@click.command("search")
@query_argument
@click.option(
    "--limit",
    type=click.IntRange(1, MOST_FOUND),
    default=30,
    show_default=True,
    help="How many tasks to find.",
)
@scan_option
@click.option("--cursor", help="Go on where an earlier search has stopped.")
@redact_option
@hex_option
@redis_url_option
@output_option
@quiet_option
def command(
    *,
    query: Sequence[str],
    limit: int,
    scan: int | None,
    cursor: str | None,
    redact: bool,
    as_hex: bool,
    redis_url: str | None,
    output: str,
    quiet: bool,
) -> int:
    """Look for tasks in all queues.

    A FILTER says what must be true of them; without one, every task matches:

    \b
      state:archived type:email:*     both; * is any text
      error~timeout age>1h            the error contains it, for over an hour
      payload.user.id=42              a value in a JSON payload
      retried>=3 or next<10m          one of them
      !queue:low "some text"          not; anywhere in it

    Put it in single quotes, since most shells have a use for some of these characters.
    """  # noqa: D301 - click looks for this character
    wanted = parsed(" ".join(query))
    with inspecting(redis_url) as inspector, progress_bar() as bar:
        found = _search(inspector, wanted, limit, scan, cursor, _redactor(redact=redact), bar)
    if quiet:
        print_names([task.id for task in found.tasks])
    else:
        _show(found, output, as_hex=as_hex)
    return _tell(found, is_told=output == "table" and not quiet)


def _search(  # noqa: PLR0917 - one call
    inspector: Inspector,
    query: Filter,
    limit: int,
    scan: int | None,
    cursor: str | None,
    redact: Redactor | None,
    bar: ProgressBar,
) -> Found:
    return search(
        inspector,
        query,
        limit=limit,
        scan=scan or 2**53,
        cursor=cursor,
        redact=redact,
        on_progress=lambda scanned: bar.show(f"{scanned:,} tasks looked at"),
    )


def _show(found: Found, output: str, *, as_hex: bool) -> None:
    rows = [task_row(task) for task in found.tasks]
    document = {
        "tasks": rows,
        "damaged": [asdict(each) for each in found.damaged],
        "scanned": found.scanned,
        "cursor": found.cursor,
    }
    print_rows(
        rows,
        output,
        page=lambda: mixed_table(found.tasks, now(), as_hex=as_hex),
        document=document,
    )


def _tell(found: Found, *, is_told: bool) -> int:
    """Say on stderr what a table does not hold; return the exit code."""
    for each in found.damaged:
        note(f"task {shown(each.id)!r} cannot be read: {each.reason}")
    if found.unreadable > MOST_DAMAGED:
        note(f"{found.unreadable - MOST_DAMAGED:,} more tasks cannot be read")
    for text in found.broken:
        note(f"Error: {text}")
    if is_told:
        more = f"; --cursor {found.cursor} goes on" if found.cursor else ""
        count = counted(len(found.tasks), "task")
        note(f"{count} found, {found.scanned:,} looked at{more}")
    return PARTLY if found.broken else 0


@click.command("errors")
@query_argument
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="How many kinds of failures to show.",
)
@scan_option
@redact_option
@redis_url_option
@output_option
def errors(
    *,
    query: Sequence[str],
    limit: int,
    scan: int | None,
    redact: bool,
    redis_url: str | None,
    output: str,
) -> int:
    """Group the tasks that failed by what went wrong.

    Those that are retried or archived. Texts that differ only in numbers, IDs, hosts, paths and
    what stands in quotes are one kind of failure. A FILTER, as for `task search`, leaves out
    others.
    """
    wanted = parsed(" ".join(query))
    with inspecting(redis_url) as inspector, progress_bar() as bar:
        report = failures(
            inspector,
            wanted,
            scan=scan or 2**53,
            redact=_redactor(redact=redact),
            on_progress=lambda scanned: bar.show(f"{scanned:,} tasks looked at"),
        )
    shown_groups = report.groups[:limit]
    rows = [_row(each) for each in shown_groups]
    document = {
        "groups": rows,
        "failures": report.failures,
        "scanned": report.scanned,
        "is_complete": report.is_complete,
    }
    print_rows(rows, output, page=lambda: _table(shown_groups), document=document)
    for text in report.broken:
        note(f"Error: {text}")
    if output == "table":
        count, kinds = counted(report.failures, "failure"), counted(len(report.groups), "kind")
        more = "" if report.is_complete else "; --scan looked at some of the tasks only"
        note(f"{count} of {kinds}, {counted(report.scanned, 'task')} looked at{more}")
    return PARTLY if report.broken else 0


def _row(group: FailureGroup) -> dict[str, object]:
    return {
        "count": group.count,
        "type": group.type,
        "signature": group.signature,
        "fingerprint": group.fingerprint,
        "newest_at": None if group.newest_ns is None else to_datetime(group.newest_ns),
        "oldest_at": None if group.oldest_ns is None else to_datetime(group.oldest_ns),
        "newest_error": group.newest_error,
        "tasks": [{"queue": queue, "id": task_id} for queue, task_id in group.tasks],
        "queues": group.queues,
        "states": group.states,
    }


def _table(groups: Sequence[FailureGroup]) -> str:
    if not groups:
        return ""
    time = now()
    rows = [
        [
            f"{each.count:,}",
            each.type,
            each.signature,
            "-" if each.newest_ns is None else ago(to_datetime(each.newest_ns), time),
        ]
        for each in groups
    ]
    return on_screen(["Tasks", "Type", "Error", "Newest"], rows, cuttable=("Error",))


def _redactor(*, redact: bool) -> Redactor | None:
    return SecretWords() if redact else None
