"""``pyasynq stats``: what is in the queues."""

from collections.abc import Sequence
from dataclasses import asdict

import click

from pyasynq.admin.overview import STATES, Overview, overview
from pyasynq.cli.connect import redis_url_option
from pyasynq.cli.output import as_csv, as_json, as_lines, output_option, table
from pyasynq.inspector import Inspector, QueueInfo
from pyasynq.shown import shown

LONGEST_NAME = 60  # in the table
REDIS_FIELDS = {
    "redis_version": "version",
    "uptime_in_days": "uptime (days)",
    "connected_clients": "connections",
    "used_memory_human": "memory",
    "used_memory_peak_human": "peak memory",
}


@click.command("stats")
@redis_url_option
@output_option
def command(*, redis_url: str | None, output: str) -> None:
    """Show what is in the queues, today's work, and Redis itself."""
    with Inspector(redis_url) as inspector:
        found = overview(inspector.queues.infos(), inspector.redis.info())
    for queue in found.queues:
        if queue.error:
            click.echo(f"queue {shown(queue.queue)!r}: {queue.error}", err=True)
    rows = [asdict(queue) for queue in found.queues]
    match output:
        case "json":
            click.echo(as_json(_document(found)))
        case "jsonl":
            click.echo(as_lines(rows), nl=bool(rows))
        case "csv":
            click.echo(as_csv(rows), nl=bool(rows))
        case _:
            click.echo(_page(found))


def _document(found: Overview) -> dict[str, object]:
    return {
        "aggregate": {
            **{state.value: count for state, count in found.states.items()},
            "processed": found.processed,
            "failed": found.failed,
        },
        "queues": [asdict(queue) for queue in found.queues],
        "redis": found.redis,
    }


def _name(queue: QueueInfo) -> str:
    marks = (" (paused)" if queue.is_paused else "") + (" (not readable)" if queue.error else "")
    return shown(queue.queue, LONGEST_NAME) + marks


def _page(found: Overview) -> str:
    rate = "N/A" if found.error_rate is None else f"{found.error_rate:.2%}"
    sections: Sequence[tuple[str, Sequence[str], Sequence[Sequence[object]]]] = (
        (
            "Task Count by State",
            [state.value for state in STATES],
            [[found.states[state] for state in STATES]],
        ),
        (
            "Task Count by Queue",
            ["queue", *(state.value for state in STATES), "size", "latency"],
            [
                [
                    _name(queue),
                    *(getattr(queue, state.value) for state in STATES),
                    ("~" if queue.is_estimated else "") + str(queue.size),
                    f"{queue.latency.total_seconds():.1f} s",
                ]
                for queue in found.queues
            ],
        ),
        (
            "Today (UTC)",
            ["processed", "failed", "error rate"],
            [[found.processed, found.failed, rate]],
        ),
        (
            "Redis",
            list(REDIS_FIELDS.values()),
            [[found.redis.get(name, "-") for name in REDIS_FIELDS]],
        ),
    )
    return "\n\n".join(f"{title}\n\n{table(headings, rows)}" for title, headings, rows in sections)
