"""``pyasynq dev``: a worker that starts again when the code changes, with a Redis if none runs.

The worker is a process of its own. It hears of our end, however we end, through a pipe: when the
pipe closes it stops.
"""

import importlib.util
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable
from pathlib import Path
from types import FrameType

import click

from pyasynq.broker.runner import Runner
from pyasynq.cli.connect import redis_url_option
from pyasynq.cli.target import load_app, target_argument
from pyasynq.cli.worker import LOG_FORMAT
from pyasynq.clock import SystemClock
from pyasynq.connection.connect import Connector
from pyasynq.connection.options import ConnectionOptions, named_url
from pyasynq.errors import RedisUnavailableError
from pyasynq.worker.healthchecker import PING

logger = logging.getLogger("pyasynq.dev")

DATA_FOLDER = ".pyasynq"
LOOK_MS = 200  # how often the worker and the signals are looked after
NEARBY = ConnectionOptions(connect_timeout_s=1.0, socket_timeout_s=1.0)
STOP_TIMEOUT_S = 12.0  # longer than the default shutdown_timeout and cancel_grace


@click.command("dev")
@target_argument
@click.option("--reload/--no-reload", default=True, help="Start again when a .py file changes.")
@redis_url_option
def command(*, target: str, reload: bool, redis_url: str | None) -> None:
    """Run the tasks of an App while you work on it.

    Where no Redis is named and none answers on this machine, one is started; its data stays in
    the folder .pyasynq. The worker starts again when a Python file below the current directory
    changes. Ctrl-C stops everything.
    """
    logging.basicConfig(level="INFO", format=LOG_FORMAT)
    logging.getLogger("watchfiles").setLevel(logging.WARNING)
    place = redis_url or named_url() or find_redis(NEARBY)
    connector = Connector.of(place)  # holds an embedded server as long as we live
    try:
        _answers(connector)
        logger.info("redis: %s", connector.description)
        DevWorker(target, place, is_forced=redis_url is not None).run(_changes(reload=reload))
    finally:
        connector.close()


class DevWorker:
    """The worker process, started again and again.

    Args:
        target: ``module:app``.
        place: URL of Redis.
        is_forced: use *place* even if the App names another one.
    """

    def __init__(self, target: str, place: str, *, is_forced: bool) -> None:
        self._arguments = [target, place, *(["forced"] if is_forced else [])]
        self._process: subprocess.Popen[bytes] | None = None
        self._is_told_ended = False

    def run(self, changes: Iterable[set[str]]) -> None:
        """Keep the worker running; start it again for each non-empty set of changed files."""
        self._start()
        try:
            for files in changes:
                if files:
                    logger.info("%s changed; starting again", ", ".join(sorted(files)))
                    self._stop()
                    self._start()
                else:
                    self._look()
        finally:
            self._stop()

    def _start(self) -> None:
        self._is_told_ended = False
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "pyasynq.cli.dev", *self._arguments],
            stdin=subprocess.PIPE,
            # A cached file of the same size and second would hide what was changed.
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            start_new_session=True,  # Ctrl-C of a terminal reaches us alone
        )

    def _stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            logger.warning("the worker does not stop; killing it")
            self._process.kill()
            self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process = None

    def _look(self) -> None:
        """Say once that the worker has ended by itself."""
        if self._process is None or self._process.poll() is None or self._is_told_ended:
            return
        self._is_told_ended = True
        code = self._process.returncode
        logger.warning("the worker ended with exit code %d; waiting for a change", code)


def _changes(*, reload: bool) -> Iterable[set[str]]:
    """Yield the names of changed files, or an empty set a few times a second, until a signal."""
    stopped = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    if reload and importlib.util.find_spec("watchfiles") is not None:
        yield from _watched(stopped)
        return
    if reload:
        logger.info("not reloading: `pip install 'pyasynq[dev]'` brings what that needs")
    while not stopped.wait(LOOK_MS / 1000):
        yield set()


def _watched(stopped: threading.Event) -> Iterable[set[str]]:
    import watchfiles  # noqa: PLC0415 - an optional extra

    for found in watchfiles.watch(
        Path.cwd(),
        watch_filter=watchfiles.PythonFilter(),
        stop_event=stopped,
        rust_timeout=LOOK_MS,
        yield_on_timeout=True,
        raise_interrupt=False,
    ):
        yield {os.path.relpath(path) for _change, path in found}


def find_redis(nearby: ConnectionOptions) -> str:
    """Return the URL of *nearby* if it answers, else of an embedded Redis that keeps its data."""
    try:
        _answers(Connector.of(nearby))
    except RedisUnavailableError:
        folder = Path(DATA_FOLDER)
        folder.mkdir(exist_ok=True)
        (folder / ".gitignore").write_text("*\n")
        return f"embedded:{folder}"
    return nearby.describe()


def _answers(connector: Connector) -> None:
    """Raise RedisUnavailableError unless Redis answers."""
    runner = Runner(connector.open_sync(), clock=SystemClock())
    try:
        runner.run(PING, patience_s=0)
    except RedisUnavailableError as error:
        raise RedisUnavailableError(f"no redis at {connector.description}: {error}") from error
    finally:
        runner.close()


def work(target: str, place: str, forced: str = "") -> None:
    """Run the worker until a signal, or until the process that started it is gone.

    A Redis that the App itself names is used before *place*, since its producers use it, too.
    """
    threading.Thread(target=_stop_with_starter, daemon=True).start()
    logging.basicConfig(level="INFO", format=LOG_FORMAT)
    app = load_app(target)
    if forced or not app.names_redis:
        app.reconfigure(place)
    app.run()


def _stop_with_starter() -> None:
    while os.read(0, 1):  # ends when the other end of the pipe is closed
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    from pyasynq.cli.main import run

    sys.exit(run(lambda: work(*sys.argv[1:])))
