"""``pyasynq dev``: a worker that starts again when the code changes, with a Redis if none runs.

The worker is a process of its own, which stops when this one is gone, however it ends.
"""

import contextlib
import importlib.util
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import quote

import click

from pyasynq.broker.operations.redis_info import PING
from pyasynq.broker.runners.runner import Runner
from pyasynq.cli.connect import redis_url_option
from pyasynq.cli.http_address import Address
from pyasynq.cli.http_port import http_options, opened
from pyasynq.cli.logs import log_options, log_settings, set_up
from pyasynq.cli.supervision.protocol import Order
from pyasynq.cli.supervision.totals import Fleet, Totals
from pyasynq.cli.supervision.worker_process import WorkerProcess, ending, start_worker
from pyasynq.cli.target import parts_of, target_argument
from pyasynq.cli.web_options import has_extra
from pyasynq.clock import SystemClock
from pyasynq.connection.connector import Connector
from pyasynq.connection.embedded.server import DATA_FOLDER, nearest_data_folder
from pyasynq.connection.options import ConnectionOptions, named_url
from pyasynq.errors import RedisUnavailableError
from pyasynq.settings import current_directory

logger = logging.getLogger("pyasynq.dev")

CHECK_MS = 200  # how often the worker and the signals are checked
USUAL = Address("127.0.0.1", 8080)  # of the web UI
NEARBY = ConnectionOptions(connect_timeout_s=1.0, socket_timeout_s=1.0)


@click.command("dev")
@target_argument
@click.option("--reload/--no-reload", default=True, help="Start again when a .py file changes.")
@click.option(
    "--reload-grace",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="How long running handlers may go on when a file has changed.",
)
@http_options(ui=True)
@log_options
@redis_url_option
def command(
    *,
    target: str,
    app_dir: str | None,
    reload: bool,
    reload_grace: float,
    http: Address | None,
    redis_url: str | None,
    **others: Any,
) -> None:
    """Run the tasks of an App while you work on it.

    Where no Redis is named and none answers on this machine, one is started; its data stays in
    the folder .pyasynq. The worker starts again when a Python file below the current directory
    changes; tasks whose handlers do not end in time go back to their queue. Each start and end of
    a task is logged. Ctrl-C stops everything, and a second one does not wait for handlers.

    The web UI is on a page of this machine, whose address is logged; it stays while the worker
    starts again.
    """
    parts_of(target)  # no change of a file would mend it
    settings = log_settings(others, shows_tasks=True)
    set_up(settings)
    logging.getLogger("watchfiles").setLevel(logging.WARNING)
    url = redis_url or named_url() or find_redis(NEARBY)
    connector = Connector.of(url)  # holds an embedded server as long as we live
    try:
        _check_that_it_answers(connector)
        logger.info("redis: %s", connector.description)
        order = Order(
            target=target,
            app_dir=app_dir,
            redis_url=url,
            log=settings,
            is_redis_forced=redis_url is not None,
            arguments=sys.argv,
        )
        worker = DevWorker(order, reload_grace_s=reload_grace)
        with _page(http, others, worker):
            worker.run(_changes(worker.hurry, reload=reload))
    finally:
        connector.close()


@contextlib.contextmanager
def _page(address: Address | None, given: Mapping[str, Any], worker: "DevWorker") -> Iterator[None]:
    """Show the web UI of the worker around a block, unless that is not wanted.

    The usual port may be taken; then it is another one, unless the user has named it.
    """
    if address is None and given["ui"] and not has_extra():
        logger.info("no web UI: `pip install 'pyasynq[dev]'` brings what that needs")
        yield
        return
    usual = USUAL if given["ui"] else None
    with opened(address or usual, given, may_move=address is None) as port:
        if port is None:
            yield
            return
        from pyasynq.cli.worker_health import ProcessesHealth, redis_of  # noqa: PLC0415 - an extra
        from pyasynq.cli.worker_metrics import ProcessesMeasured  # noqa: PLC0415 - as above

        health = ProcessesHealth(lambda: worker.processes, lambda: False)
        measured = ProcessesMeasured(lambda: worker.fleet, worker.totals.bounded)
        with port.serving(health, lambda: redis_of(worker.processes), measured):
            port.announce()
            if address is None and port.listener.getsockname()[1] != USUAL.port:
                logger.info("port %d is taken, so it has another; --http chooses one", USUAL.port)
            yield


class DevWorker:
    """The worker process, started again and again.

    Args:
        order: what it shall do. A Redis that the App itself names is preferred to that of the
            order, unless that is forced, since the producers of the App use it too.
        reload_grace_s: how long its handlers may go on when it is to start again.
    """

    def __init__(self, order: Order, *, reload_grace_s: float) -> None:
        self._order = order
        self._reload_grace_s = reload_grace_s
        self._is_hurried = False
        self._process: WorkerProcess | None = None
        self._is_end_logged = False
        self.totals = Totals()

    @property
    def processes(self) -> list[WorkerProcess | None]:
        """The worker process; None while there is none; in any thread."""
        return [self._process]

    @property
    def fleet(self) -> Fleet:
        """The same, and what those have counted that have ended; in any thread."""
        return self.totals.fleet(lambda: self.processes)

    def run(self, changes: Iterable[set[str]]) -> None:
        """Keep the worker running; start it again for each non-empty set of changed files."""
        self._start()
        try:
            for files in changes:
                if files:
                    logger.info("%s changed; starting again", ", ".join(sorted(files)))
                    self._stop(grace_s=self._reload_grace_s)
                    self._start()
                else:
                    self._check()
        finally:
            self._stop()

    def hurry(self) -> None:
        """Let the stop, now or later, not wait for handlers; for signal handlers."""
        self._is_hurried = True
        if self._process is not None:
            self._process.send("hurry")

    def _start(self) -> None:
        self._is_end_logged = False
        # A cached file of the same size and second would hide what was changed.
        environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
        self._process = start_worker(self._order, environment=environment)

    def _stop(self, *, grace_s: float | None = None) -> None:
        """Stop the worker; *grace_s*: how long its handlers may go on, None: as it allows."""
        process = self._process
        if process is None:
            return
        process.receive()
        process.send("hurry" if self._is_hurried or grace_s == 0 else "stop")
        if grace_s and not process.ends_within(grace_s):
            process.send("hurry")
        try:
            process.wait(process.stops_within_s)
        except subprocess.TimeoutExpired:
            logger.warning("the worker did not stop; it was killed")
        process.close()  # reads its last messages
        self.totals.end(process, self._forget)

    def _forget(self) -> None:
        self._process = None

    def _check(self) -> None:
        """Read what the worker has sent; log once that it has ended by itself."""
        if self._process is not None:
            self._process.receive()
        if self._process is None or self._process.exit_code is None or self._is_end_logged:
            return
        self._is_end_logged = True
        logger.warning("the worker %s; waiting for a change", ending(self._process))


def _changes(hurry: Callable[[], None], *, reload: bool) -> Iterable[set[str]]:
    """Yield the names of changed files, or an empty set a few times a second, until a signal.

    Args:
        hurry: called for each later signal.
    """
    stopped = threading.Event()

    def stop(number: int, _frame: FrameType | None) -> None:
        if stopped.is_set():
            logger.info("%s again: not waiting for handlers", signal.Signals(number).name)
            hurry()
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    if reload and importlib.util.find_spec("watchfiles") is not None:
        yield from _watched(stopped)
        return
    if reload:
        logger.info("not reloading: `pip install 'pyasynq[dev]'` brings what that needs")
    while not stopped.wait(CHECK_MS / 1000):
        yield set()


def _watched(stopped: threading.Event) -> Iterable[set[str]]:
    import watchfiles  # noqa: PLC0415 - an optional extra

    for found in watchfiles.watch(
        Path.cwd(),
        watch_filter=watchfiles.PythonFilter(),
        stop_event=stopped,
        rust_timeout=CHECK_MS,
        yield_on_timeout=True,
        raise_interrupt=False,
    ):
        yield {os.path.relpath(path) for _change, path in found}


def find_redis(nearby: ConnectionOptions) -> str:
    """Return the URL of *nearby* if it answers, else of an embedded Redis that keeps its data."""
    try:
        _check_that_it_answers(Connector.of(nearby))
    except RedisUnavailableError:
        folder = nearest_data_folder(current_directory())
        if folder is not None:
            return f"embedded:{quote(str(folder))}"
        folder = Path(DATA_FOLDER)
        folder.mkdir(exist_ok=True)
        (folder / ".gitignore").write_text("*\n")
        return f"embedded:{folder}"
    return nearby.describe()


def _check_that_it_answers(connector: Connector) -> None:
    """Raise RedisUnavailableError unless Redis answers."""
    runner = Runner(connector.open_sync(), clock=SystemClock())
    try:
        runner.run(PING, patience_s=0)
    except RedisUnavailableError as error:
        raise RedisUnavailableError(f"no redis at {connector.description}: {error}") from error
    finally:
        runner.close()
