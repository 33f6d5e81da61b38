"""``pyasynq task list`` and ``inspect``."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from pyasynq.admin.overview import STATES
from pyasynq.admin.task_row import task_row
from pyasynq.cli.connect import redis_url_option
from pyasynq.cli.each import named
from pyasynq.cli.inspecting import inspecting, now
from pyasynq.cli.output import note, output_option, print_names, print_rows, quiet_option
from pyasynq.cli.task_page import attempts_page, description, page_note, task_table
from pyasynq.cli.value_types import (
    group_option,
    hex_option,
    ids_argument,
    queue_option,
    state_option,
)
from pyasynq.cli.watching import show_again, watch_option
from pyasynq.inspector import TaskPage
from pyasynq.shown import shown
from pyasynq.task import TaskState

if TYPE_CHECKING:
    from pyasynq.inspector import Attempt


@click.command("list")
@queue_option
@state_option(*STATES)
@click.option("--page", type=int, default=1, show_default=True, help="Number of the page.")
@click.option(
    "--size", type=int, default=30, show_default=True, help="How many tasks a page has, to 1,000."
)
@group_option
@click.option("--newest-first", is_flag=True, help="The reverse order.")
@hex_option
@redis_url_option
@output_option
@quiet_option
@watch_option
def list_tasks(
    *,
    queue: str,
    state: TaskState,
    page: int,
    size: int,
    group: str | None,
    newest_first: bool,
    as_hex: bool,
    redis_url: str | None,
    output: str,
    quiet: bool,
    watch: int | None,
) -> None:
    """Show the tasks in a state.

    They come in the order in which they will be worked on, or expire. Tasks that cannot be read
    are told on stderr.
    """
    with inspecting(redis_url) as inspector:

        def read() -> TaskPage:
            return inspector.tasks.list(
                queue, state, page=page, page_size=size, group=group, newest_first=newest_first
            )

        def show(found: TaskPage) -> None:
            if quiet:
                _tell_damaged(found)
                print_names([task.id for task in found])
            else:
                _show(found, state, output, as_hex=as_hex)

        show_again(watch, read, show)


def _show(found: TaskPage, state: TaskState, output: str, *, as_hex: bool) -> None:
    _tell_damaged(found)
    rows = [task_row(task) for task in found]
    document = {
        "tasks": rows,
        "damaged": [asdict(each) for each in found.damaged],
        "total": found.total,
        "page": found.page,
        "page_size": found.page_size,
    }
    print_rows(
        rows,
        output,
        page=lambda: task_table(found, state, now(), as_hex=as_hex),
        document=document,
    )
    if output == "table" and (told := page_note(found)):
        note(told)


def _tell_damaged(found: TaskPage) -> None:
    for each in found.damaged:
        note(f"task {shown(each.id)!r} cannot be read: {each.reason}")


@click.command("inspect")
@ids_argument
@queue_option
@hex_option
@redis_url_option
@output_option
def inspect(
    *,
    ids: Sequence[str],
    queue: str,
    as_hex: bool,
    redis_url: str | None,
    output: str,
) -> None:
    """Show all that is known about tasks.

    Also their last attempts, if workers keep them.
    """
    with inspecting(redis_url) as inspector:
        found = [
            (inspector.tasks.get(queue, task_id), inspector.tasks.attempts(queue, task_id))
            for task_id in named(ids, "ID")
        ]
    time = now()
    print_rows(
        [task_row(task) | {"attempts": [_row(each) for each in kept]} for task, kept in found],
        output,
        page=lambda: "\n\n".join(
            part
            for task, kept in found
            for part in (description(task, time, as_hex=as_hex), attempts_page(kept))
            if part
        ),
    )


def _row(attempt: "Attempt") -> dict[str, object]:
    return {**asdict(attempt), "duration": attempt.duration}
