"""``pyasynq cron run``, ``pause``, ``resume`` and ``clear-history``."""

from collections.abc import Callable, Sequence

import click

from pyasynq.cli.connect import redis_url_option
from pyasynq.cli.cron.entry_ids import entry_ids_argument, full_id
from pyasynq.cli.each import do_each, named
from pyasynq.cli.inspecting import inspecting, unknown_entry
from pyasynq.cli.output import quiet_option
from pyasynq.errors import EntryNotFoundError
from pyasynq.inspector import Inspector
from pyasynq.shown import shown


@click.command("run")
@entry_ids_argument
@redis_url_option
@quiet_option
def run(*, entry_ids: Sequence[str], redis_url: str | None, quiet: bool) -> int:
    """Enqueue the tasks of entries now.

    With the payload and the options that the scheduler shows. Ticks come as if nothing happened.
    """

    def run_one(inspector: Inspector, name: str) -> str:
        info = inspector.schedulers.run(name)
        return info.id if quiet else f"Enqueued task {info.id} to queue {shown(info.queue)}"

    return _with_each(entry_ids, redis_url, run_one)


@click.command("pause")
@entry_ids_argument
@click.option("--by", default="", help="Who pauses it.")
@click.option("--reason", default="", help="Why.")
@redis_url_option
def pause(*, entry_ids: Sequence[str], by: str, reason: str, redis_url: str | None) -> int:
    """Let the ticks of entries pass without a task.

    In every scheduler of pyasynq that has the entry, also after a restart. Schedulers in Go know no
    pause. `cron list` shows who paused it, and why.
    """

    def pause_one(inspector: Inspector, name: str) -> str:
        inspector.schedulers.pause(name, by=by, reason=reason)
        return f"Paused entry {shown(name)}"

    return _with_each(entry_ids, redis_url, pause_one)


@click.command("resume")
@entry_ids_argument
@redis_url_option
def resume(*, entry_ids: Sequence[str], redis_url: str | None) -> int:
    """End the pause of entries.

    Ticks that passed meanwhile are not made up for.
    """

    def resume_one(inspector: Inspector, name: str) -> str:
        inspector.schedulers.resume(name)
        return f"Resumed entry {shown(name)}"

    return _with_each(entry_ids, redis_url, resume_one)


@click.command("clear-history")
@entry_ids_argument
@redis_url_option
def clear_history(*, entry_ids: Sequence[str], redis_url: str | None) -> int:
    """Delete what is known of the tasks that entries have enqueued.

    The tasks stay, and so do the entries.
    """

    def clear_one(inspector: Inspector, name: str) -> str:
        inspector.schedulers.clear_history(name)
        return f"Cleared the history of entry {shown(name)}"

    return _with_each(entry_ids, redis_url, clear_one)


def _with_each(
    entry_ids: Sequence[str], redis_url: str | None, action: Callable[[Inspector, str], str]
) -> int:
    """Do something with each entry; an unknown one is told with where to look."""

    def act(name: str) -> str:
        try:
            return action(inspector, full_id(name, entries))
        except EntryNotFoundError as error:
            raise unknown_entry(error.entry_id) from error

    names = named(entry_ids, "entry ID")
    with inspecting(redis_url) as inspector:
        entries = inspector.schedulers.entries()
        return do_each(inspector, names, act)
