"""``pyasynq cron list`` and ``history``: periodic tasks, and what they have enqueued."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

import click

from pyasynq.admin.payload_text import in_json, payload_text
from pyasynq.admin.spans import ago, until
from pyasynq.cli.connect import redis_url_option
from pyasynq.cli.cron.entry_ids import entry_ids_argument, full_id
from pyasynq.cli.each import named
from pyasynq.cli.inspecting import inspecting, now
from pyasynq.cli.output import (
    note,
    on_screen,
    output_option,
    print_names,
    print_rows,
    quiet_option,
)
from pyasynq.cli.value_types import hex_option
from pyasynq.inspector import EnqueueEvent, SchedulerEntry
from pyasynq.shown import shown

HEADINGS = ("EntryID", "Spec", "Type", "Payload", "Options", "Next", "Prev")


@click.command("list")
@hex_option
@redis_url_option
@output_option
@quiet_option
def entries(*, as_hex: bool, redis_url: str | None, output: str, quiet: bool) -> None:
    """Show the entries of schedulers that are alive."""
    with inspecting(redis_url) as inspector:
        found = inspector.schedulers.entries()
    if quiet:
        print_names([entry.id for entry in found])
        return
    time = now()
    cells = [_cells(entry, time, as_hex=as_hex) for entry in found]
    print_rows(
        [{**asdict(entry), **in_json("payload", entry.payload)} for entry in found],
        output,
        page=lambda: (
            on_screen(HEADINGS, cells, cuttable=("Payload", "Options", "Next")) if cells else ""
        ),
    )
    if not found and output == "table":
        note("No scheduler is alive.")


@click.command("history")
@entry_ids_argument
@click.option("--page", type=int, default=1, show_default=True, help="Number of the page.")
@click.option("--size", type=int, default=30, show_default=True, help="Size of a page, to 1,000.")
@redis_url_option
@output_option
def history(
    *, entry_ids: Sequence[str], page: int, size: int, redis_url: str | None, output: str
) -> None:
    """Show what entries have enqueued.

    The latest first; the last 1,000 of each entry are kept, 30 days after the last one, or in Go
    while its scheduler lives.
    """
    names = named(entry_ids, "entry ID")
    with inspecting(redis_url) as inspector:
        entries = inspector.schedulers.entries()
        ids = dict.fromkeys(full_id(name, entries) for name in names)
        found = {
            name: inspector.schedulers.history(name, page=page, page_size=size) for name in ids
        }
    print_rows(
        [{"entry_id": name, **asdict(event)} for name, some in found.items() for event in some],
        output,
        page=lambda: "\n\n".join(_events(name, some) for name, some in found.items() if some),
    )
    if output == "table":
        for name in (name for name, some in found.items() if not some):
            note(f"Entry {shown(name)} has enqueued nothing, or there is none.")


def _cells(entry: SchedulerEntry, time: datetime, *, as_hex: bool) -> list[object]:
    return [
        entry.id,
        entry.spec,
        entry.task_type,
        payload_text(entry.payload, as_hex=as_hex),
        ", ".join(entry.options),
        _pause(entry) if entry.is_paused else until(entry.next_enqueue_at, time),
        ago(_last(entry), time),
    ]


def _last(entry: SchedulerEntry) -> datetime | None:
    """Return when an entry was due the last time; schedulers show that only now and then."""
    known = (entry.previous_enqueue_at, entry.last_tick_at)
    return max((each for each in known if each is not None), default=None)


def _pause(entry: SchedulerEntry) -> str:
    by = f" by {entry.paused_by}" if entry.paused_by else ""
    return f"paused{by}" + (f": {entry.pause_reason}" if entry.pause_reason else "")


def _events(entry_id: str, events: Sequence[EnqueueEvent]) -> str:
    time = now()
    rows = on_screen(
        ["TaskID", "EnqueuedAt"],
        [[event.task_id, ago(event.enqueued_at, time)] for event in events],
    )
    return f"Entry: {shown(entry_id)}\n\n{rows}"
