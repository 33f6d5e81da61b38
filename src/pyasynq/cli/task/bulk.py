"""``pyasynq task archiveall``, ``deleteall`` and ``runall``: all tasks in a state."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from pyasynq.admin.rates import counted
from pyasynq.cli.confirm import dry_run_option, is_confirmed, yes_option
from pyasynq.cli.connect import redis_url_option
from pyasynq.cli.exit_codes import FAILURE
from pyasynq.cli.inspecting import inspecting, now
from pyasynq.cli.progress_bar import progress_bar
from pyasynq.cli.task_page import task_table
from pyasynq.cli.value_types import group_option, queue_option, state_option
from pyasynq.inspector import Inspector
from pyasynq.inspector.bulk import STATES
from pyasynq.shown import shown
from pyasynq.task import TaskState

F = TypeVar("F", bound=Callable[..., Any])

SAMPLE = 5


@click.command("archiveall")
@queue_option
@state_option(*STATES["archive_all"])
@group_option
@dry_run_option
@yes_option
@redis_url_option
def archive_all(**given: Any) -> int:
    """Archive all tasks in a state.

    It asks on a terminal and needs --yes elsewhere, since a full archive loses its oldest tasks.
    """
    return _change("Archive", "archived", lambda it: it.tasks.archive_all, given)


@click.command("deleteall")
@queue_option
@state_option(*STATES["delete_all"])
@group_option
@dry_run_option
@yes_option
@redis_url_option
def delete_all(**given: Any) -> int:
    """Delete all tasks in a state.

    It asks on a terminal and needs --yes elsewhere.
    """
    return _change("Delete", "deleted", lambda it: it.tasks.delete_all, given)


@click.command("runall")
@queue_option
@state_option(*STATES["run_all"])
@group_option
@dry_run_option
@redis_url_option
def run_all(**given: Any) -> int:
    """Let all tasks in a state run now.

    They become pending. Nothing is lost, so it does not ask.
    """
    return _change("Run", "made pending", lambda it: it.tasks.run_all, {"yes": True, **given})


def _change(
    verb: str, done: str, call_of: Callable[[Inspector], Callable[..., int]], given: dict[str, Any]
) -> int:
    """Change all tasks in a state, unless they are only to be shown; return the exit code."""
    queue, state, group = given["queue"], given["state"], given["group"]
    if state is TaskState.AGGREGATING and group is None:
        raise click.UsageError("tasks that are aggregating need --group; `pyasynq group ls` helps")
    with inspecting(given["redis_url"]) as inspector:
        if given["dry_run"] or not given["yes"]:
            page = inspector.tasks.list(queue, state, group=group, page_size=SAMPLE)
            what = f"{counted(page.total, f'{state.value} task')} of queue {shown(queue)!r}"
            if given["dry_run"]:
                click.echo(f"Would {verb.lower()} {what}")
                click.echo(task_table(page, state, now()), nl=bool(page.tasks))
                return 0
            if not is_confirmed(f"{verb} {what}", yes=False):
                return FAILURE
        with progress_bar() as bar:
            count = call_of(inspector)(queue, state, group=group, on_progress=bar.count)
    click.echo(f"{counted(count, 'task')} {done}")
    return 0
