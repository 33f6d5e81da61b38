"""``pyasynq worker``: runs the tasks of an App."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from pyasynq.cli.connect import redis_url_option
from pyasynq.cli.http_address import Address
from pyasynq.cli.http_port import HttpPort, http_options, opened
from pyasynq.cli.logs import LogSettings, log_options, log_settings, set_up, show_lines_at_once
from pyasynq.cli.target import load_app, target_argument

if TYPE_CHECKING:
    from pyasynq.app import App
    from pyasynq.cli.supervision.protocol import Order
    from pyasynq.cli.supervision.supervisor import Supervisor


@click.command("worker")
@target_argument
@click.option(
    "-c",
    "--concurrency",
    type=int,
    envvar="PYASYNQ_CONCURRENCY",
    show_envvar=True,
    help="How many tasks run at once.",
)
@click.option(
    "-q",
    "--queues",
    multiple=True,
    envvar="PYASYNQ_QUEUES",
    show_envvar=True,
    help="Queues and priorities, such as critical=6,default=3; may be given again.",
)
@click.option(
    "--strict-priority/--weighted",
    default=None,
    envvar="PYASYNQ_STRICT_PRIORITY",
    show_envvar=True,
    help="Whether a queue waits until all of higher priority are empty, or just gets less.",
)
@click.option(
    "--processes",
    type=click.IntRange(min=1),
    default=1,
    envvar="PYASYNQ_PROCESSES",
    show_envvar=True,
    show_default=True,
    help="How many processes, each with its own concurrency; those that die are started again.",
)
@click.option(
    "--scheduler/--no-scheduler",
    default=True,
    envvar="PYASYNQ_SCHEDULER",
    show_envvar=True,
    help="Whether to enqueue the periodic tasks of the App besides.",
)
@http_options(ui=False)
@log_options
@redis_url_option
def command(
    *,
    target: str,
    app_dir: str | None,
    concurrency: int | None,
    queues: tuple[str, ...],
    strict_priority: bool | None,
    processes: int,
    scheduler: bool,
    http: Address | None,
    redis_url: str | None,
    **others: Any,
) -> int:
    """Run the tasks of an App.

    It is named as MODULE:APP, such as app:app for `app` in app.py. Its periodic tasks are enqueued
    besides, each once, however many workers run.

    SIGTERM and SIGINT stop it: running tasks may end, the rest goes back to its queue. A second
    signal does not wait. SIGTSTP only ends the fetching.

    An option that is not given comes from the environment, else from [tool.pyasynq] in
    pyproject.toml, else from the App. Every other setting of a server has a variable, too, such as
    PYASYNQ_SHUTDOWN_TIMEOUT.
    """
    changes = settings_of_flags(concurrency, queues, strict_priority)
    log = log_settings(others)
    with opened(http, others) as port:
        if processes > 1:
            from pyasynq.cli.supervision.protocol import Order  # noqa: PLC0415 - one needs none

            order = Order(
                target=target,
                app_dir=app_dir,
                redis_url=redis_url,
                settings=changes,
                is_scheduling=scheduler,
                log=log,
                arguments=sys.argv,
                is_relayed=True,
            )
            return supervise(order, processes, port)
        load = partial(_loaded, target, app_dir, redis_url, changes, log)
        if port is None:
            load().worker(scheduler=scheduler).run()
        else:
            work_and_answer(load, port, scheduler=scheduler)
    return 0


def work_and_answer(load: "Callable[[], App]", port: HttpPort, *, scheduler: bool) -> None:
    """Load an App and run its worker in this process until a signal; *port* answers meanwhile.

    Args:
        load: returns the App, and sets logging up.
        scheduler: see `App.worker`.
    """
    from pyasynq.cli.worker_health import WorkerHealth, source_of  # noqa: PLC0415 - an extra
    from pyasynq.cli.worker_metrics import WorkerMeasured  # noqa: PLC0415 - as above

    health, measured = WorkerHealth(), WorkerMeasured()
    loaded: list[App] = []
    with port.serving(health, lambda: source_of(loaded), measured):
        app = load()
        loaded.append(app)
        port.announce()
        worker = app.worker(scheduler=scheduler)
        health.watch(worker)
        measured.watch(worker)
        worker.run(on_loop=health.take_over)


def _loaded(
    target: str,
    app_dir: str | None,
    redis_url: str | None,
    changes: Mapping[str, Any],
    log: LogSettings,
) -> "App":
    from pyasynq.cli import server_settings  # noqa: PLC0415 - a supervisor stays small

    show_lines_at_once()
    server_settings.load_what_it_needs()
    app = load_app(target, app_dir)
    set_up(log)
    server_settings.reconfigure(app, redis_url, changes)
    return app


def supervise(order: "Order", processes: int, port: HttpPort | None = None) -> int:
    """Run *processes* workers until a signal; return the exit code.

    Raises:
        ConfigError: the settings are wrong, as one of them has reported.
    """
    from pyasynq.cli.supervision.relay import LineRelay, RelayHandler  # noqa: PLC0415 - as above
    from pyasynq.cli.supervision.supervisor import Supervisor  # noqa: PLC0415 - as above

    relay = LineRelay()
    set_up(order.log, RelayHandler(relay))
    supervisor = Supervisor(order, processes, relay)
    try:
        with _answering(supervisor, port):
            return supervisor.run()
    finally:
        relay.close()


@contextlib.contextmanager
def _answering(supervisor: "Supervisor", port: HttpPort | None) -> Iterator[None]:
    """Answer for all processes around a block."""
    if port is None:
        yield
        return
    from pyasynq.cli.worker_health import ProcessesHealth, redis_of  # noqa: PLC0415 - an extra
    from pyasynq.cli.worker_metrics import ProcessesMeasured  # noqa: PLC0415 - as above

    health = ProcessesHealth(lambda: supervisor.processes, lambda: supervisor.is_stopping)
    measured = ProcessesMeasured(lambda: supervisor.fleet, supervisor.totals.bounded)
    with port.serving(health, lambda: redis_of(supervisor.processes), measured):
        port.announce()
        yield


def settings_of_flags(
    concurrency: int | None, queues: tuple[str, ...], strict_priority: bool | None
) -> dict[str, Any]:
    """Return the settings of a server that the command line gives, or the project.

    Those of variables are left to who reads all of them, and names each that is wrong.

    Raises:
        click.BadParameter: the queues cannot be read.
    """
    given: dict[str, Any] = {"concurrency": concurrency, "strict_priority": strict_priority}
    if queues and not _is_of_a_variable("queues"):
        given["queues"] = _read_queues(",".join(queues))
    return {
        name: value
        for name, value in given.items()
        if value is not None and not _is_of_a_variable(name)
    }


def _is_of_a_variable(name: str) -> bool:
    source = click.get_current_context().get_parameter_source(name)
    return source is click.core.ParameterSource.ENVIRONMENT


def _read_queues(text: str) -> dict[str, int]:
    from pyasynq.worker.setting import read_queues  # noqa: PLC0415 - a supervisor stays small

    try:
        return read_queues(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--queues") from error
