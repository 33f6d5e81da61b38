"""``pyasynq queue pause``, ``resume`` and ``remove``."""

from collections.abc import Sequence
from datetime import datetime

import click

from pyasynq.admin.rates import counted
from pyasynq.cli.confirm import dry_run_option, is_confirmed, yes_option
from pyasynq.cli.connect import redis_url_option
from pyasynq.cli.each import do_each, named
from pyasynq.cli.exit_codes import FAILURE
from pyasynq.cli.inspecting import inspecting
from pyasynq.cli.value_types import Moment, queues_argument
from pyasynq.errors import QueueNotEmptyError, StateError
from pyasynq.inspector import Inspector
from pyasynq.shown import listed, shown


@click.command("pause")
@queues_argument
@click.option("--by", default="", help="Who pauses it.")
@click.option("--reason", default="", help="Why.")
@click.option("--until", type=Moment(), help="When the pause ends by itself, in RFC 3339 form.")
@redis_url_option
def pause(
    *, queues: Sequence[str], by: str, reason: str, until: datetime | None, redis_url: str | None
) -> int:
    """Let workers take no more tasks from queues.

    Tasks that run go on, and new ones can be enqueued. `queue inspect` shows who paused it, and
    why.
    """

    def pause_one(name: str) -> str:
        inspector.queues.pause(name, by=by, reason=reason, until=until)
        return f"Paused queue {shown(name)}"

    with inspecting(redis_url) as inspector:
        return do_each(inspector, named(queues, "queue"), pause_one)


@click.command("resume")
@queues_argument
@redis_url_option
def resume(*, queues: Sequence[str], redis_url: str | None) -> int:
    """End the pause of queues."""

    def resume_one(name: str) -> str:
        inspector.queues.info(
            name, memory=False
        )  # that there is no such queue is no error of `unpause`
        inspector.queues.unpause(name)
        return f"Resumed queue {shown(name)}"

    with inspecting(redis_url) as inspector:
        return do_each(inspector, named(queues, "queue"), resume_one)


@click.command("remove")
@queues_argument
@click.option("-f", "--force", is_flag=True, help="Delete its tasks, too, unless some run.")
@dry_run_option
@yes_option
@redis_url_option
def remove(
    *, queues: Sequence[str], force: bool, dry_run: bool, yes: bool, redis_url: str | None
) -> int:
    """Delete queues.

    A queue that holds tasks needs --force, and tasks that run cannot be deleted. --force asks on a
    terminal; elsewhere it needs --yes.
    """

    def remove_one(name: str) -> str:
        try:
            inspector.queues.delete(name, force=force)
        except QueueNotEmptyError as error:
            if force:  # others enqueue all the time
                raise
            raise _needs_force(name, error.size) from error
        return f"Deleted queue {shown(name)}"

    with inspecting(redis_url) as inspector:
        names = named(queues, "queue")
        if dry_run:
            return do_each(
                inspector, names, lambda name: _would_delete(inspector, name, force=force)
            )
        if force and not is_confirmed(_question(inspector, names), yes=yes):
            return FAILURE
        return do_each(inspector, names, remove_one)


def _needs_force(name: str, size: int) -> StateError:
    return StateError(
        f"queue {name!r} is not empty ({counted(size, 'task')}); --force deletes them, too",
        state="not empty",
        allowed=("empty",),
    )


def _would_delete(inspector: Inspector, name: str, *, force: bool) -> str:
    found = inspector.queues.info(name, memory=False)
    if found.size and not force:
        raise _needs_force(name, found.size)
    runs = f"; but {counted(found.active, 'task')} must end first" if found.active else ""
    return f"Would delete queue {shown(name)} with {counted(found.size, 'task')}{runs}"


def _question(inspector: Inspector, names: Sequence[str]) -> str:
    known = [each for each in inspector.queues.infos(memory=False) if each.queue in names]
    tasks = sum(each.size for each in known)
    what = "queue" if len(names) == 1 else "queues"
    return f"Delete {what} {listed(names)} with {counted(tasks, 'task')}"
