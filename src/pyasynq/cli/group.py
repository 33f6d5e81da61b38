"""``pyasynq group``: groups of tasks that are to be aggregated."""

from dataclasses import asdict

import click

from pyasynq.cli.connect import redis_url_option
from pyasynq.cli.inspecting import inspecting
from pyasynq.cli.output import (
    note,
    on_screen,
    output_option,
    print_names,
    print_rows,
    quiet_option,
)
from pyasynq.cli.value_types import queue_option
from pyasynq.errors import QueueNotFoundError


@click.command("list")
@queue_option
@redis_url_option
@output_option
@quiet_option
def list_groups(*, queue: str, redis_url: str | None, output: str, quiet: bool) -> None:
    """Show the groups of a queue.

    With the number of the tasks that wait in each to be aggregated.
    """
    with inspecting(redis_url) as inspector:
        found = inspector.groups.list(queue)
        if not found and queue not in inspector.queues.list():
            raise QueueNotFoundError(queue)
    if quiet:
        print_names([each.group for each in found])
        return
    rows = [[each.group, each.size] for each in found]
    print_rows(
        [asdict(each) for each in found],
        output,
        page=lambda: on_screen(["Group", "Size"], rows) if rows else "",
    )
    if not found and output == "table":
        note("No groups.")
