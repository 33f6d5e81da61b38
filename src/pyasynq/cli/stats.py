"""``pyasynq stats``: what is in the queues."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from pyasynq.admin.overview import STATES, Overview, overview
from pyasynq.admin.rates import rate
from pyasynq.admin.spans import took
from pyasynq.cli.connect import redis_url_option
from pyasynq.cli.inspecting import now, reported
from pyasynq.cli.output import note, on_screen, output_option, print_rows
from pyasynq.cli.watching import show_again, watch_option
from pyasynq.inspector import Inspector, QueueInfo
from pyasynq.shown import shown
from pyasynq.task import TaskState

if TYPE_CHECKING:
    from pyasynq.inspector import TypeInfo

LONGEST_NAME = 60  # in the table
SHARES = ("p50", "p95", "p99")
# asynq v0.26 tools/asynq/cmd/stats.go: columns, and what is written after the values.
REDIS_FIELDS = {
    "redis_version": ("version", ""),
    "uptime_in_days": ("uptime", " days"),
    "connected_clients": ("connections", ""),
    "used_memory_human": ("memory usage", "B"),
    "used_memory_peak_human": ("peak memory usage", "B"),
}
# What a cluster shows in their place.
CLUSTER_FIELDS = {
    "cluster_state": ("state", ""),
    "cluster_known_nodes": ("known nodes", ""),
    "cluster_size": ("cluster size", ""),
}


@click.command("stats")
@redis_url_option
@output_option
@click.option("--json", "as_json", is_flag=True, help="The same as -o json, as in Go.")
@click.option(
    "--by",
    type=click.Choice(("queue", "type")),
    default="queue",
    show_default=True,
    help="With type: what was done of each task type in the last hour, if workers count it.",
)
@watch_option
def command(
    *, redis_url: str | None, output: str, as_json: bool, by: str, watch: int | None
) -> None:
    """Show what is in the queues.

    Also today's work (UTC), and Redis itself.
    """
    form = "json" if as_json else output
    with Inspector(redis_url) as inspector:
        if by == "type":
            show_again(watch, inspector.types.list, lambda found: _show_types(found, form))
            return
        show_again(watch, lambda: _read(inspector, form), lambda found: _show(found, form))


def _read(inspector: Inspector, form: str) -> Overview:
    redis = reported(inspector)
    return overview(inspector.queues.infos(memory=form != "table"), redis)


def _show(found: Overview, form: str) -> None:
    for queue in found.queues:
        if queue.error:
            note(f"queue {shown(queue.queue)!r}: {queue.error}")
    rows = [asdict(queue) for queue in found.queues]
    print_rows(rows, form, page=lambda: _page(found), document=_document(found, rows))
    if form == "table" and (found.states[TaskState.RETRY] or found.states[TaskState.ARCHIVED]):
        note("Some tasks wait for a retry or are archived; `pyasynq task errors` shows why.")


def _show_types(found: "Sequence[TypeInfo]", form: str) -> None:
    rows = [_of_type(each) for each in found]
    print_rows(rows, form, page=lambda: _types_page(found))
    if form == "table" and not any(each.counts.count for each in found):
        note(
            "Nothing was counted in the last hour. Workers write what they do once a minute, "
            "unless they have type_statistics=False."
        )


def _of_type(info: "TypeInfo") -> dict[str, object]:
    fields = asdict(info)
    return {**fields, **fields.pop("counts")}


def _types_page(found: "Sequence[TypeInfo]") -> str:
    headings = ["Type", "Queues", "Servers", "Done", "Failed"]
    headings += [f"{what} {share}" for what in ("Run", "Waited") for share in SHARES]
    rows = [
        [
            each.type,
            ",".join(each.queues) or "-",
            each.servers,
            each.counts.count,
            each.counts.failures,
            *(
                took(getattr(spread, share))
                for spread in (each.counts.run, each.counts.waiting)
                for share in SHARES
            ),
        ]
        for each in found
    ]
    return on_screen(headings, rows, cuttable=("Type", "Queues")) if rows else ""


def _document(found: Overview, rows: Sequence[Mapping[str, object]]) -> dict[str, object]:
    return {
        "aggregate": {
            **{state.value: count for state, count in found.states.items()},
            "processed": found.processed,
            "failed": found.failed,
            "timestamp": now(),
        },
        "queues": rows,
        "redis": found.redis,
    }


def _name(queue: QueueInfo) -> str:
    marks = (" (paused)" if queue.is_paused else "") + (" (not readable)" if queue.error else "")
    return shown(queue.queue, LONGEST_NAME) + marks


def _page(found: Overview) -> str:
    redis = CLUSTER_FIELDS if "cluster_state" in found.redis else REDIS_FIELDS
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
            [[found.processed, found.failed, rate(found.failed, found.processed)]],
        ),
        (
            "Redis",
            [heading for heading, _ in redis.values()],
            [
                [
                    found.redis[name] + unit if name in found.redis else "-"
                    for name, (_, unit) in redis.items()
                ]
            ],
        ),
    )
    return "\n\n".join(
        f"{title}\n\n{on_screen(headings, rows)}" for title, headings, rows in sections
    )
