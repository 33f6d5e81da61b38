"""``pyasynq metrics``: an exporter for Prometheus, which needs the extra ``metrics``."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from pyasynq.cli.connect import redis_url_option, remembered
from pyasynq.cli.http_address import PortType
from pyasynq.cli.interrupts import until_signal
from pyasynq.cli.live_words import queue_names
from pyasynq.cli.logs import log_options, log_settings, set_up
from pyasynq.lifecycle.listening import listener_on
from pyasynq.metrics import has_extra

F = TypeVar("F", bound=Callable[..., Any])

PATIENCE_S = 0.5  # so that a scrape of a Redis that is away is answered at once
MISSING = "metrics needs the extra 'metrics'; `pip install 'pyasynq[metrics]'` brings it"


def _flags_of_go(function: F) -> F:
    """Add the flags of Go's exporter. asynq v0.26 tools/metrics_exporter/main.go."""
    for name, kind, meaning in (
        ("uri", str, "Address"),
        ("db", click.IntRange(min=0), "Number of the database"),
        ("password", str, "Password"),
        ("username", str, "User"),
    ):
        flag = "redis-addr" if name == "uri" else f"redis-{name}"
        text = f"{meaning} of Redis, as in Go's exporter."
        function = remembered(f"--{flag}", f"-{flag}", name, type=kind, help=text, hidden=True)(
            function
        )
    return function


@click.command("metrics")
@click.option(
    "--host",
    default="",
    envvar="PYASYNQ_METRICS_HOST",
    show_envvar=True,
    help="Where to listen, such as 127.0.0.1. Default: every address, as Go's exporter.",
)
@click.option(
    "--port",
    "-port",
    type=PortType(),
    default=9876,
    envvar="PYASYNQ_METRICS_PORT",
    show_default=True,
    show_envvar=True,
    help="Where to listen; 0 for any port that is free.",
)
@click.option(
    "-q",
    "--queue",
    "queues",
    multiple=True,
    shell_complete=queue_names,
    help="A queue that is wanted; may be given again. Default: all.",
)
@log_options
@_flags_of_go
@redis_url_option
def command(
    *, host: str, port: int, queues: tuple[str, ...], redis_url: str | None, **given: Any
) -> None:
    """Show Prometheus what is in the queues.

    At /metrics are the metrics of Go's exporter, by the same names, and more; its flags are taken.
    Whoever reaches the port can read the names of queues and how many tasks are in them; nothing
    can be changed there. While Redis is away, pyasynq_redis_up is 0. SIGTERM and SIGINT stop it at
    once.
    """
    if not has_extra():
        raise click.ClickException(MISSING)
    from pyasynq.inspector import Inspector  # noqa: PLC0415 - after what is quick to check
    from pyasynq.metrics.exporter import exporting, registry_of  # noqa: PLC0415 - an extra
    from pyasynq.metrics.queue_collector import QueueCollector  # noqa: PLC0415 - as above

    with (
        until_signal() as stopped,
        Inspector(redis_url, patience=PATIENCE_S) as inspector,
        listener_on(host, port) as listener,
    ):
        set_up(log_settings(given))
        registry = registry_of(QueueCollector(inspector, queues=queues))
        with exporting(registry, listener):
            click.echo(f"pyasynq metrics: {_url(host, listener.getsockname()[1])}", err=True)
            stopped.wait()


def _url(host: str, port: int) -> str:
    host = host or "0.0.0.0"  # noqa: S104 - shown to people
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/metrics (Ctrl-C stops it)"
