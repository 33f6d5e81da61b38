"""``pyasynq server``: servers that are alive."""

from dataclasses import asdict
from datetime import datetime

import click

from pyasynq.admin.payload_text import in_json
from pyasynq.admin.spans import ago
from pyasynq.cli.connect import redis_url_option
from pyasynq.cli.inspecting import inspecting, now
from pyasynq.cli.output import (
    note,
    on_screen,
    output_option,
    print_names,
    print_rows,
    quiet_option,
)
from pyasynq.inspector import ServerInfo

HEADINGS = ("Host", "PID", "State", "Active Workers", "Queues", "Started")


@click.command("list")
@redis_url_option
@output_option
@quiet_option
def list_servers(*, redis_url: str | None, output: str, quiet: bool) -> None:
    """Show the servers that are alive.

    A server that has not shown itself for ten seconds is left out.
    """
    with inspecting(redis_url) as inspector:
        found = inspector.servers.list()
    if quiet:
        print_names([server.id for server in found])
        return
    time = now()
    print_rows(
        [_row(server) for server in found],
        output,
        page=lambda: (
            on_screen(HEADINGS, [_cells(server, time) for server in found], cuttable=("Queues",))
            if found
            else ""
        ),
    )
    if not found and output == "table":
        note("No server is alive.")


def _row(server: ServerInfo) -> dict[str, object]:
    """Return the fields of a server; the payloads of what it runs are text, or in Base64."""
    row = asdict(server)
    row["active_workers"] = [
        {**asdict(worker), **in_json("payload", worker.payload)} for worker in server.active_workers
    ]
    return row


def _cells(server: ServerInfo, time: datetime) -> list[object]:
    # asynq v0.26 tools/asynq/cmd/server.go: by priority, then by name.
    ordered = sorted(server.queues.items(), key=lambda item: (-item[1], item[0]))
    queues = " ".join(f"{name}:{priority}" for name, priority in ordered)
    return [
        server.host,
        server.pid,
        server.status,
        f"{server.active_worker_count}/{server.concurrency}",
        queues,
        ago(server.started_at, time),
    ]
