"""The program of a worker process that another process has started and watches.

It obeys the commands of its starter (protocol.py). Those are not signals: a service manager may
signal every process of a unit, and a command of the starter would then be a second signal. So a
signal from elsewhere asks for the same stop as the starter does, and never hurries it.

What takes long to import is imported when commands can be received already.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import threading
import time
from typing import TYPE_CHECKING

from pyasynq.cli.debug import show_traceback
from pyasynq.cli.exit_codes import exit_code
from pyasynq.cli.logs import set_up, show_lines_at_once
from pyasynq.cli.supervision.protocol import (
    CommandName,
    Failed,
    FromWorker,
    Measured,
    Order,
    Report,
    Started,
    encoded,
    read_command,
    read_order,
)
from pyasynq.cli.supervision.worker_process import STOP_MARGIN_S, kill_others_of_session
from pyasynq.clock import SystemClock
from pyasynq.connection.options import ConnectionOptions
from pyasynq.debug import is_debug
from pyasynq.errors import PyasynqError
from pyasynq.lifecycle.health import Health, loading
from pyasynq.lifecycle.interpreter import socket_of_starter
from pyasynq.measurements.label import presentable

if TYPE_CHECKING:
    from pyasynq.app.worker import AppWorker
    from pyasynq.connection.connector import ConnectionSource


class Program:
    """Runs the worker in the main thread, and receives commands in another one."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._lines = channel.makefile("rb")
        self._lock = threading.Lock()  # of the two that follow
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_paused = False
        self._worker: AppWorker | None = None
        self._is_stopping = False
        self._stops_within_s = 0.0
        self._source: ConnectionSource = None
        self._loading = loading(SystemClock())
        self._sending = threading.Lock()

    def run(self) -> int:
        """Do what the order, the first message, asks for; return the exit code."""
        line = self._lines.readline()
        if not line:
            return 0  # the starter is gone already
        order = read_order(line)
        sys.argv[:] = order.arguments or sys.argv
        name = "pyasynq commands"
        threading.Thread(target=self._receive, args=(order,), name=name, daemon=True).start()
        try:
            self._work(order)
        except PyasynqError as error:
            if is_debug():
                show_traceback(error)
            self._send(Failed(str(error)))
            return exit_code(error)
        except Exception as error:  # noqa: BLE001 - of the application, or a bug
            show_traceback(error)
            return exit_code(error)
        return 0

    def _work(self, order: Order) -> None:
        from pyasynq.cli import server_settings  # noqa: PLC0415 - see the top
        from pyasynq.cli.target import load_app  # noqa: PLC0415 - see the top
        from pyasynq.options import to_seconds  # noqa: PLC0415

        show_lines_at_once()
        server_settings.load_what_it_needs()
        app = load_app(order.target, order.app_dir)
        set_up(order.log)
        is_url_used = order.is_redis_forced or app.source is None
        server_settings.reconfigure(app, order.redis_url if is_url_used else None, order.settings)
        self._source = app.source
        config = app.config
        self._stops_within_s = to_seconds(config.shutdown_timeout) + to_seconds(config.cancel_grace)
        self._worker = app.worker(scheduler=order.is_scheduling)
        try:
            self._worker.run(on_loop=self._take_over)
        finally:
            if order.is_relayed:  # else nobody may read it, as in `pyasynq dev`
                self._tell_measured()

    def _take_over(self) -> None:
        """Let signals and commands reach the worker, which is about to start."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._react, "stop")
        with self._lock:
            self._loop = loop
            if self._is_paused:
                loop.call_soon(self._react, "pause")
        options = self._source if isinstance(self._source, ConnectionOptions) else None
        has_client = options is None and self._source is not None
        self._send(Started(self._stops_within_s, options, has_client))

    def _react(self, command: CommandName) -> None:
        if self._worker is None:
            return
        if command == "report":
            self._send(Report(self._worker.health()))
            return
        if command == "pause":
            self._worker.stop()
            return
        if not self._is_stopping:
            self._is_stopping = True
            self._worker.shutdown()
        if command == "hurry":
            self._worker.shutdown()

    def _receive(self, order: Order) -> None:
        with contextlib.suppress(OSError):
            for line in self._lines:
                self._obey(read_command(line).name)
        if order.is_relayed:
            _silence()
        self._obey("stop")
        time.sleep(self._stops_within_s + STOP_MARGIN_S)
        kill_others_of_session(os.getpid())
        os.killpg(0, signal.SIGKILL)  # a handler blocks the loop; nobody else is left to do this

    def _tell_measured(self) -> None:
        worker = self._worker
        self._send(Measured([] if worker is None else presentable(worker.readings())))

    def _obey(self, command: CommandName) -> None:
        if command == "measure":  # which asks nothing of the loop
            self._tell_measured()
            return
        with self._lock:
            loop = self._loop
            if loop is None and command == "pause":
                self._is_paused = True
                return
        if loop is None and command == "report":
            self._send(Report(Health(checks=(self._loading.check,))))
            return
        if loop is None:
            os._exit(0)  # the code is still loading: there is nothing to wait for
        with contextlib.suppress(RuntimeError):  # the loop has ended: so will the process
            loop.call_soon_threadsafe(self._react, command)

    def _send(self, message: FromWorker) -> None:
        with contextlib.suppress(OSError), self._sending:
            self._channel.sendall(encoded(message))


def _silence() -> None:
    """Discard all output, which nobody reads any more: print must not fail in handlers."""
    null = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(null, descriptor)
    os.close(null)


def main() -> int:
    """Work for the process at the other end of the socket that the command line names.

    Returns:
        The exit code.
    """
    return Program(socket_of_starter()).run()
