"""``pyasynq task cancel``, ``archive``, ``delete`` and ``run``: tasks that are named."""

from collections.abc import Callable, Sequence

import click

from pyasynq.cli.connect import redis_url_option
from pyasynq.cli.each import do_each, named
from pyasynq.cli.inspecting import inspecting
from pyasynq.cli.live_words import queue_names
from pyasynq.cli.value_types import ids_argument, queue_option
from pyasynq.errors import StateError, TaskStateError
from pyasynq.inspector import Inspector
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
@redis_url_option
def cancel(
    *, ids: Sequence[str], then: CancelThen, queue: str | None, redis_url: str | None
) -> int:
    """Cancel running tasks.

    Every server is asked; nothing happens to a task that does not run. An ID `-` stands for those
    on stdin, one a line.
    """

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
@queue_option
@redis_url_option
def archive(*, ids: Sequence[str], queue: str, redis_url: str | None) -> int:
    """Archive tasks.

    They must not be running. An ID `-` stands for those on stdin, one a line.
    """
    return _change(
        redis_url, queue, ids, "Archived", "archive", lambda it, *task: it.tasks.archive(*task)
    )


@click.command("delete")
@ids_argument
@queue_option
@redis_url_option
def delete(*, ids: Sequence[str], queue: str, redis_url: str | None) -> int:
    """Delete tasks.

    They must not be running: `task cancel --then drop` deletes those. An ID `-` stands for those
    on stdin, one a line.
    """
    return _change(
        redis_url, queue, ids, "Deleted", "drop", lambda it, *task: it.tasks.delete(*task)
    )


@click.command("run")
@ids_argument
@queue_option
@redis_url_option
def run(*, ids: Sequence[str], queue: str, redis_url: str | None) -> int:
    """Let tasks run now.

    They must be scheduled, retry, archived, completed or aggregating. An ID `-` stands for those
    on stdin, one a line.
    """
    return _change(
        redis_url, queue, ids, "Made pending:", "", lambda it, *task: it.tasks.run(*task)
    )


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
