"""Words that a shell completes with: names of queues, groups and task types, read from Redis.

Whatever goes wrong, and whatever takes too long, there are no words, and nothing is printed.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING

import click

from pyasynq.cli.connect import GIVEN, given_url

if TYPE_CHECKING:
    from pyasynq.inspector import Inspector

LIMIT_S = 0.2  # a shell waits for the words
MOST = 200  # words that are offered
MOST_QUEUES = 5  # whose tasks are looked at for types
SAMPLE = 50  # tasks of each state
STATES = ("pending", "scheduled", "retry", "archived", "completed")

Read = Callable[["Inspector"], Iterable[str]]


def queue_names(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the names of queues that begin with *begun*."""
    return _words(context, lambda inspector: inspector.queues.list(), begun)


def group_names(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return the groups of the queue that is named, as far as they begin with *begun*."""
    queue = context.params.get("queue")
    if not queue:
        return []
    return _words(
        context, lambda inspector: [each.group for each in inspector.groups.list(queue)], begun
    )


def task_types(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Return types of tasks that run, are periodic or wait, as far as they begin with *begun*."""
    queue = context.params.get("queue")
    return _words(context, lambda inspector: _types(inspector, queue), begun)


def _types(inspector: "Inspector", queue: str | None) -> Iterable[str]:
    found = {each.task_type for each in inspector.schedulers.entries()}
    for server in inspector.servers.list():
        found |= {each.task_type for each in server.active_workers}
    for name in [queue] if queue else inspector.queues.list()[:MOST_QUEUES]:
        for state in STATES:
            found |= {each.type for each in inspector.tasks.list(name, state, page_size=SAMPLE)}
    return found


def _words(context: click.Context, read: Read, begun: str) -> list[str]:
    """Return what is read in time, sorted."""
    from pyasynq.inspector import Inspector  # noqa: PLC0415 - only a shell that completes needs it

    if "ask_password" in context.meta.get(GIVEN, {}):
        return []
    found: list[str] = []

    def look() -> None:
        with suppress(Exception), Inspector(given_url(context)) as inspector:
            found.extend(read(inspector))

    thread = Thread(target=look, daemon=True)
    thread.start()
    thread.join(LIMIT_S)
    fitting = {each for each in found if each.startswith(begun) and each.isprintable()}
    return sorted(fitting)[:MOST]
