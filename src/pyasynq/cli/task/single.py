"""``pyasynq task cancel``, ``archive``, ``delete`` and ``run``: tasks that are named."""

from collections.abc import Callable, Sequence

import click

from pyasynq.cli.connect import redis_url_option
from pyasynq.cli.each import do_each, named
from pyasynq.cli.inspecting import inspecting
from pyasynq.cli.live_words import queue_names
from pyasynq.cli.task.filtering import Filtering, filter_options
from pyasynq.cli.value_types import any_queue_option, ids_argument
from pyasynq.errors import StateError, TaskStateError
from pyasynq.inspector import Inspector
from pyasynq.inspector.changes import Change, Verb
from pyasynq.inspector.verdicts import ARCHIVABLE, DELETABLE, RUNNABLE
from pyasynq.options import CancelThen
from pyasynq.shown import shown
from pyasynq.task import TaskState


@click.command("cancel")
@click.argument("ids", nargs=-1, metavar="ID...")
@click.option(
    "--then",
    type=click.Choice(("retry", "archive", "drop")),
    default="retry",
    show_default=True,
    help="What becomes of the task. Servers in Go know only retry.",
)
@click.option(
    "-q", "--queue", shell_complete=queue_names, help="The queue, if the same ID is in others, too."
)
@filter_options(TaskState.ACTIVE)
@redis_url_option
def cancel(
    *,
    ids: Sequence[str],
    then: CancelThen,
    queue: str | None,
    filtering: Filtering,
    redis_url: str | None,
) -> int:
    """Cancel running tasks.

    Every server is asked; nothing happens to a task that does not run. An ID `-` stands for those
    on stdin, one a line. Without IDs, those that match the options are cancelled.
    """
    if _is_by_filter(ids, queue, filtering, needs_queue=False):
        return _change_matching("cancel", then, queue, filtering, redis_url)

    def cancel_one(task_id: str) -> str:
        count = inspector.tasks.cancel(task_id, then=then, queue=queue)
        if not count:
            raise StateError(
                f"no server listens, so nothing cancels task {task_id!r}; "
                "`pyasynq server ls` shows the servers that are alive",
                state="no server",
                allowed=("a server that is alive",),
            )
        servers = "1 server" if count == 1 else f"{count} servers"
        return f"Asked {servers} to cancel task {shown(task_id)}"

    with inspecting(redis_url) as inspector:
        return do_each(inspector, named(ids, "ID"), cancel_one)


@click.command("archive")
@ids_argument
@any_queue_option
@filter_options(*map(TaskState, ARCHIVABLE))
@redis_url_option
def archive(*, ids: Sequence[str], queue: str, filtering: Filtering, redis_url: str | None) -> int:
    """Archive tasks.

    They must not be running. An ID `-` stands for those on stdin, one a line. Without IDs, those
    that match the options are archived; it asks then.
    """
    if _is_by_filter(ids, queue, filtering):
        return _change_matching("archive", "retry", queue, filtering, redis_url)
    return _change(
        redis_url, queue, ids, "Archived", "archive", lambda it, *task: it.tasks.archive(*task)
    )


@click.command("delete")
@ids_argument
@any_queue_option
@filter_options(*map(TaskState, DELETABLE))
@redis_url_option
def delete(*, ids: Sequence[str], queue: str, filtering: Filtering, redis_url: str | None) -> int:
    """Delete tasks.

    They must not be running: `task cancel --then drop` deletes those. An ID `-` stands for those
    on stdin, one a line. Without IDs, those that match the options are deleted; it asks then.
    """
    if _is_by_filter(ids, queue, filtering):
        return _change_matching("delete", "retry", queue, filtering, redis_url)
    return _change(
        redis_url, queue, ids, "Deleted", "drop", lambda it, *task: it.tasks.delete(*task)
    )


@click.command("run")
@ids_argument
@any_queue_option
@filter_options(*map(TaskState, RUNNABLE))
@redis_url_option
def run(*, ids: Sequence[str], queue: str, filtering: Filtering, redis_url: str | None) -> int:
    """Let tasks run now.

    They must be scheduled, retry, archived, completed or aggregating. An ID `-` stands for those
    on stdin, one a line. Without IDs, those that match the options run, completed ones only with
    --state completed.
    """
    if _is_by_filter(ids, queue, filtering):
        return _change_matching("run", "retry", queue, filtering, redis_url)
    return _change(
        redis_url, queue, ids, "Made pending:", "", lambda it, *task: it.tasks.run(*task)
    )


def _is_by_filter(
    ids: Sequence[str], queue: str | None, filtering: Filtering, *, needs_queue: bool = True
) -> bool:
    """Return whether options say which tasks are meant; else IDs do.

    Raises:
        click.UsageError: both do, or neither does.
    """
    if ids:
        if filtering.given:
            names = ", ".join(filtering.given)
            raise click.UsageError(f"give either IDs or {names}; IDs are taken as they are")
        if needs_queue and queue is None:
            raise click.UsageError("Missing option '-q' / '--queue': an ID is unique in its queue.")
        return False
    if filtering.has_filter:
        return True
    raise click.UsageError(
        "name at least one ID, or say which tasks: --state, --type, --error, --older-than, --query"
    )


def _change_matching(
    verb: Verb,
    then: CancelThen,
    queue: str | None,
    filtering: Filtering,
    redis_url: str | None,
) -> int:
    # Most calls name IDs, and do not need what a filter needs.
    from pyasynq.cli.task.by_filter import change_matching  # noqa: PLC0415

    change = Change(verb=verb, then=then)
    return change_matching(change, filtering, queue=queue, redis_url=redis_url)


def _change(  # noqa: PLR0917 - each call is one line
    redis_url: str | None,
    queue: str,
    ids: Sequence[str],
    done: str,
    then: str,
    change: Callable[[Inspector, str, str], None],
) -> int:
    """Change the tasks with these IDs; return the exit code."""

    def change_one(task_id: str) -> str:
        try:
            change(inspector, queue, task_id)
        except TaskStateError as error:
            if error.state != TaskState.ACTIVE or not then:
                raise
            advice = f"`pyasynq task cancel --then {then} ID` does that once it has ended"
            raise TaskStateError(
                task_id=task_id, state=error.state, allowed=error.allowed, advice=advice
            ) from error
        return f"{done} task {shown(task_id)}"

    with inspecting(redis_url) as inspector:
        return do_each(inspector, named(ids, "ID"), change_one)
