"""``pyasynq cron next`` and ``explain``: when entries and specs are due."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, tzinfo
from itertools import islice
from typing import Any, TypeVar

import click

from pyasynq.admin.cron_times import schedule_of, times_of, zone_of
from pyasynq.admin.spans import ago, moment, until
from pyasynq.cli.connect import redis_url_option
from pyasynq.cli.cron.entry_ids import full_id
from pyasynq.cli.inspecting import inspecting, now, unknown_entry
from pyasynq.cli.output import fields_on_screen, note, on_screen, output_option, print_rows
from pyasynq.cli.value_types import Moment
from pyasynq.errors import ConfigError
from pyasynq.inspector import SchedulerEntry
from pyasynq.scheduler.cron import Schedule, parse
from pyasynq.shown import shown

F = TypeVar("F", bound=Callable[..., Any])

MOST = 1000


def spec_options(function: F) -> F:
    """Add ``--timezone`` and ``--seconds``."""
    for option in (
        click.option("--seconds", is_flag=True, help="The spec begins with a field for seconds."),
        click.option(
            "--timezone",
            metavar="ZONE",
            default="UTC",
            show_default=True,
            help="Where the spec is meant, such as Asia/Tokyo, unless it says that itself.",
        ),
    ):
        function = option(function)
    return function


@click.command("next")
@click.argument("entry_id", required=False)
@click.option("--spec", help='A spec in place of an entry, such as "0 9 * * mon-fri".')
@spec_options
@click.option(
    "--count",
    type=click.IntRange(1, MOST),
    default=5,
    show_default=True,
    help=f"How many times, to {MOST}.",
)
@click.option("--after", type=Moment(), help="Show times after this one; now by default.")
@redis_url_option
@output_option
def following(
    *,
    entry_id: str | None,
    spec: str | None,
    timezone: str,
    seconds: bool,
    count: int,
    after: datetime | None,
    redis_url: str | None,
    output: str,
) -> None:
    """Show when an entry is due next.

    An interval goes on from the last time, so what an entry shows is exact. A spec alone needs no
    Redis.
    """
    if (entry_id is None) == (spec is None):
        raise click.UsageError("name an ENTRY_ID, or a spec with --spec")
    if entry_id is None:
        schedule = _parsed(spec or "", timezone, seconds=seconds)
        times = schedule.after(after or now())
    else:
        entry = _entry(entry_id, redis_url)
        schedule = _schedule_of(entry, timezone)
        since = after or now()
        times = (each for each in times_of(entry, schedule, since) if each > since)
        if entry.is_paused:
            note(f"Entry {shown(entry.id)} is paused: until it is resumed, these pass.")
    _print_times(list(islice(times, count)), zone_of(schedule), output)


@click.command("explain")
@click.argument("words", nargs=-1, required=True, metavar="SPEC")
@spec_options
@output_option
def explain(*, words: tuple[str, ...], timezone: str, seconds: bool, output: str) -> None:
    """Say in plain English when a spec is due.

    Quote the spec, since a shell replaces its asterisks. No Redis is needed.
    """
    spec = " ".join(words)
    schedule = _parsed(spec, timezone, seconds=seconds)
    at = schedule.next_after(now())
    row = {"spec": spec, "description": schedule.describe(), "next_at": at}
    print_rows(
        [row],
        output,
        page=lambda: fields_on_screen(
            [("Spec", spec), ("Due", schedule.describe()), ("Next", moment(at))]
        ),
    )


def _parsed(spec: str, timezone: str, *, seconds: bool) -> Schedule:
    schedule = parse(spec, timezone, seconds=seconds)
    if not schedule.can_fire:
        raise ConfigError(f"the cron spec {spec!r} never fires: there is no such day")
    return schedule


def _entry(entry_id: str, redis_url: str | None) -> SchedulerEntry:
    with inspecting(redis_url) as inspector:
        entries = inspector.schedulers.entries()
    wanted = full_id(entry_id, entries)
    for entry in entries:
        if entry.id == wanted:
            return entry
    raise unknown_entry(entry_id)


def _schedule_of(entry: SchedulerEntry, timezone: str) -> Schedule:
    try:
        return schedule_of(entry, timezone)
    except ConfigError as error:
        raise ConfigError(f"{error} (--timezone)") from error


def _print_times(times: Iterable[datetime], zone: tzinfo, output: str) -> None:
    found, time = list(times), now()
    is_elsewhere = zone is not UTC
    headings = ["Time", *([str(zone)] if is_elsewhere else []), "When"]
    cells = [
        [
            moment(each),
            *([_local(each, zone)] if is_elsewhere else []),
            until(each, time) if each > time else ago(each, time),
        ]
        for each in found
    ]
    print_rows(
        [{"at": each.astimezone(UTC), "local": each.astimezone(zone)} for each in found],
        output,
        page=lambda: on_screen(headings, cells) if cells else "",
    )
    if not found and output == "table":
        note("It is not due within the next five years.")


def _local(time: datetime, zone: tzinfo) -> str:
    return f"{time.astimezone(zone):%a %Y-%m-%d %H:%M:%S %z}"
