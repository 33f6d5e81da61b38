"""``pyasynq queue list``, ``inspect`` and ``history``."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import click

from pyasynq.admin.overview import STATES
from pyasynq.admin.rates import rate
from pyasynq.admin.spans import moment
from pyasynq.cli.connect import redis_url_option
from pyasynq.cli.each import named
from pyasynq.cli.inspecting import inspecting, reported
from pyasynq.cli.output import (
    fields_on_screen,
    on_screen,
    output_option,
    print_names,
    print_rows,
    quiet_option,
)
from pyasynq.cli.value_types import queues_argument
from pyasynq.inspector import DailyStats, Inspector, QueueInfo
from pyasynq.shown import shown


@click.command("list")
@redis_url_option
@output_option
@quiet_option
def list_queues(*, redis_url: str | None, output: str, quiet: bool) -> None:
    """Show the names of all queues.

    On a cluster, also the slot that holds their keys, and the nodes that serve it.
    """
    with inspecting(redis_url) as inspector:
        names = inspector.queues.list()
        if quiet:
            print_names(names)
            return
        is_cluster = reported(inspector).get("cluster_enabled") == "1"
        rows = [_listed(inspector, name, is_cluster=is_cluster) for name in names]
    print_rows(rows, output, page=lambda: _names(rows))


@click.command("inspect")
@queues_argument
@redis_url_option
@output_option
def inspect(*, queues: Sequence[str], redis_url: str | None, output: str) -> None:
    """Show what is in queues.

    How many tasks are in each state, whether workers take tasks from the queue, and what was done
    today (UTC).
    """
    with inspecting(redis_url) as inspector:
        found = [
            inspector.queues.info(name, memory=output != "table") for name in named(queues, "queue")
        ]
    rows = [asdict(each) for each in found]
    print_rows(rows, output, page=lambda: "\n\n".join(map(_page, found)))


@click.command("history")
@queues_argument
@click.option(
    "-x", "--days", type=int, default=10, show_default=True, help="How many days; 90 are kept."
)
@redis_url_option
@output_option
def history(*, queues: Sequence[str], days: int, redis_url: str | None, output: str) -> None:
    """Show what queues did on each of the last days.

    The days are those of UTC, today first.
    """
    with inspecting(redis_url) as inspector:
        found = {name: inspector.queues.history(name, days) for name in named(queues, "queue")}
    rows = [asdict(day) for days_of_one in found.values() for day in days_of_one]
    print_rows(rows, output, page=lambda: "\n\n".join(_days(*each) for each in found.items()))


def _listed(inspector: Inspector, name: str, *, is_cluster: bool) -> dict[str, object]:
    if not is_cluster:
        return {"queue": name}
    return {
        "queue": name,
        "slot": inspector.queues.key_slot(name),
        "nodes": [node.address for node in inspector.queues.nodes(name)],
    }


def _names(rows: Sequence[Mapping[str, object]]) -> str:
    """Return bare names, one a line; on a cluster a table."""
    if not rows or "slot" not in rows[0]:
        return "\n".join(shown(str(row["queue"])) for row in rows)
    return on_screen(
        ["Queue", "Cluster KeySlot", "Cluster Nodes"],
        [
            [row["queue"], row["slot"], ", ".join(map(str, nodes))]
            for row in rows
            if isinstance(nodes := row["nodes"], list)
        ],
    )


def _page(queue: QueueInfo) -> str:
    count = ("~" if queue.is_estimated else "") + str(queue.size)
    about = fields_on_screen(
        [
            ("Name", shown(queue.queue)),
            ("Size", count),
            ("Groups", queue.groups),
            ("Paused", _pause(queue)),
            ("Latency", f"{queue.latency.total_seconds():.1f} s"),
            *([("Error", queue.error)] if queue.error else []),
        ]
    )
    states = on_screen(
        [state.value for state in STATES], [[getattr(queue, state.value) for state in STATES]]
    )
    today = on_screen(
        ["processed", "failed", "error rate"],
        [[queue.processed, queue.failed, rate(queue.failed, queue.processed)]],
    )
    return (
        f"{about}\n\nTask Count by State\n\n{states}\n\n"
        f"Daily Stats {queue.timestamp:%Y-%m-%d} UTC\n\n{today}"
    )


def _days(queue: str, days: Sequence[DailyStats]) -> str:
    rows = on_screen(
        ["date (UTC)", "processed", "failed", "error rate"],
        [[day.date, day.processed, day.failed, rate(day.failed, day.processed)] for day in days],
    )
    return f"Queue: {shown(queue)}\n\n{rows}"


def _pause(queue: QueueInfo) -> str:
    """Return whether a queue is paused, and what is known about it."""
    if not queue.is_paused:
        return "no"
    parts = [f"yes, since {moment(queue.paused_since)}"]
    if queue.paused_by:
        parts.append(f"by {shown(queue.paused_by)}")
    if queue.paused_until is not None:
        parts.append(f"until {moment(queue.paused_until)}")
    return " ".join(parts) + (f": {shown(queue.pause_reason)}" if queue.pause_reason else "")
