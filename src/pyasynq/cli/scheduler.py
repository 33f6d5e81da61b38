"""``pyasynq scheduler``: enqueues the periodic tasks of an App, and runs none."""

import logging
from typing import Any

import click

from pyasynq.cli.connect import redis_url_option
from pyasynq.cli.logs import log_options, log_settings, set_up
from pyasynq.cli.target import load_app, target_argument

logger = logging.getLogger("pyasynq.scheduler")


@click.command("scheduler")
@target_argument
@log_options
@redis_url_option
def command(*, target: str, app_dir: str | None, redis_url: str | None, **log: Any) -> None:
    """Enqueue the periodic tasks of an App.

    Workers do that besides, unless they are started with --no-scheduler. Any number of both may
    run: one of them leads, and each tick makes one task. SIGTERM and SIGINT stop it.
    """
    settings = log_settings(log)
    app = load_app(target, app_dir)
    set_up(settings)
    app.reconfigure(redis_url)
    if not len(app.periodic):
        logger.warning("no periodic task is registered; is a module not imported?")
    app.scheduler().run()
