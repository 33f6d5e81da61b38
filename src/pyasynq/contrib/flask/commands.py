"""The command of the extension: ``flask pyasynq worker``."""

from typing import Any

import click
from flask.cli import AppGroup

from pyasynq.app import App
from pyasynq.cli import worker
from pyasynq.cli.http_port import opened
from pyasynq.cli.logs import log_settings, set_up
from pyasynq.cli.server_settings import reconfigure
from pyasynq.errors import PyasynqError

# Of the options of `pyasynq worker`: those that name the App, or start processes that must find it.
OTHERS = ("target", "app_dir", "processes", "redis_url")

WORKER_HELP = """Run the tasks of this application.

Each runs in an application context of its own. Periodic tasks are enqueued besides, each once,
however many workers run.

SIGTERM and SIGINT stop it: running tasks may end, the rest goes back to its queue. For several
processes, use `pyasynq worker --processes`.
"""


def group_of(name: str, app: App) -> click.Group:
    """Return the group of commands for one App."""
    group = AppGroup(name, help="Background tasks.")
    params = [each for each in worker.command.params if each.name not in OTHERS]

    def work(**given: Any) -> None:
        try:
            _work(app, **given)
        except PyasynqError as error:
            raise click.ClickException(str(error)) from error

    # Not in a context of Flask: handlers have their own.
    group.add_command(click.Command("worker", params=params, callback=work, help=WORKER_HELP))
    return group


def _work(
    app: App,
    *,
    concurrency: int | None,
    queues: tuple[str, ...],
    strict_priority: bool | None,
    scheduler: bool,
    http: Any,
    **others: Any,
) -> None:
    changes = worker.settings_of_flags(concurrency, queues, strict_priority)
    log = log_settings(others)

    def loaded() -> App:
        set_up(log)
        reconfigure(app, None, changes)
        return app

    with opened(http, others) as port:
        if port is None:
            loaded().worker(scheduler=scheduler).run()
        else:
            worker.work_and_answer(loaded, port, scheduler=scheduler)
