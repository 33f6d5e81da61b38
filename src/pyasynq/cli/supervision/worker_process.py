"""A worker in a process of its own, as the process that started it sees it.

It is a fresh interpreter and leads a session of its own: Ctrl-C in a terminal reaches the starter
only, and what a worker leaves behind can be killed with it.
"""

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Generic, TypeVar

from pyasynq.cli.supervision.protocol import (
    Command,
    CommandName,
    Failed,
    Measured,
    Order,
    Report,
    Started,
    encoded,
    read_from_worker,
)
from pyasynq.lifecycle.interpreter import command_of, exit_text, socket_pair
from pyasynq.measurements.reading import Reading

T = TypeVar("T")

STOP_MARGIN_S = 5.0  # beyond what the worker itself allows its handlers
USUAL_STOP_S = 13.0  # what it allows them unless it reports another time

LARGEST = 1 << 16  # bytes that are read at once

PROGRAM = "pyasynq.cli.supervision.program"


class Question(Generic[T]):
    """A question of which there is never more than one that has no answer.

    So one who does not answer is not asked again and again. Any thread may ask.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: Future[T] | None = None
        self._asked_at = 0.0  # monotonic

    @property
    def open_s(self) -> float:
        """How many seconds ago the question was asked that has no answer; 0 if there is none."""
        with self._lock:
            return 0.0 if self._asked is None else time.monotonic() - self._asked_at

    def ask(self, send: Callable[[], None]) -> "Future[T]":
        """Return what will be answered; *send* asks, if nobody has yet."""
        with self._lock:
            if self._asked is None:
                self._asked, self._asked_at = Future(), time.monotonic()
                self._asked.set_running_or_notify_cancel()  # who gives up takes it from nobody else
                send()
            return self._asked

    def answer(self, answer: T) -> None:
        """Give the answer to whoever waits for it."""
        with self._lock:
            asked, self._asked = self._asked, None
        if asked is not None:
            asked.set_result(answer)


class WorkerProcess:
    """A worker process; made by `start_worker`.

    Attributes:
        failure: why it ended, if it has reported that; empty until then.
        stops_within_s: how long it may take to stop by itself.
        started: what it has told at its start; None until then.
        readings: what it has measured, as it told last.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", channel: socket.socket) -> None:
        self._process = process
        self._channel = channel
        self._unread = b""
        self.failure = ""
        self.stops_within_s = USUAL_STOP_S + STOP_MARGIN_S
        self.started: Started | None = None
        self.readings: list[Reading] = []
        self._reports: Question[Report] = Question()
        self._measures: Question[Measured] = Question()

    @property
    def silent_s(self) -> float:
        """How many seconds ago the report was asked for that has not come; 0 if there is none."""
        return self._reports.open_s

    @property
    def pid(self) -> int:
        """The ID of the process."""
        return self._process.pid

    @property
    def channel(self) -> socket.socket:
        """The socket that becomes readable when there is something to `receive`."""
        return self._channel

    @property
    def exit_code(self) -> int | None:
        """The exit code, or minus the signal; None while it runs."""
        return self._process.poll()

    def send(self, command: CommandName) -> None:
        """Send a command; nothing happens if the worker is gone."""
        with contextlib.suppress(OSError):
            self._channel.sendall(encoded(Command(command)))

    def ask(self) -> "Future[Report]":
        """Ask for a report, in any thread; who calls `receive` gets it."""
        return self._reports.ask(lambda: self.send("report"))

    def ask_to_measure(self) -> "Future[Measured]":
        """Ask for what was measured, in the same way; `readings` has it, too, then."""
        return self._measures.ask(lambda: self.send("measure"))

    def receive(self) -> bool:
        """Read what the worker has sent; return whether more may come."""
        try:
            while received := self._channel.recv(LARGEST, socket.MSG_DONTWAIT):
                *lines, self._unread = (self._unread + received).split(b"\n")
                for line in lines:
                    self._note(line)
        except BlockingIOError:
            return True
        except OSError:
            pass
        return False

    def ends_within(self, timeout_s: float) -> bool:
        """Wait for the end of the process for a while; return whether it has ended."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def wait(self, timeout_s: float) -> None:
        """Wait for the end of the process, and kill what it leaves behind.

        It is killed itself if it takes longer than *timeout_s*.

        Raises:
            subprocess.TimeoutExpired: it had to be killed.
        """
        try:
            self._process.wait(timeout_s)
        finally:
            self.kill()
            self._process.wait()

    def kill(self) -> None:
        """Kill the process and what it has started, even if it has ended; safe to repeat."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        kill_others_of_session(self.pid)

    def ended(self, status: int) -> None:
        """Note the end of the process, for which the caller has waited.

        Args:
            status: what ``waitpid`` returned.
        """
        self._process.returncode = os.waitstatus_to_exitcode(status)

    def close(self) -> None:
        """Close the channel to a process that has ended; safe to repeat."""
        self.receive()
        self._channel.close()

    def _note(self, line: bytes) -> None:
        match read_from_worker(line):
            case Started() as started:
                self.started = started
                self.stops_within_s = started.stops_within_s + STOP_MARGIN_S
            case Report() as report:
                self._reports.answer(report)
            case Measured(readings) as measured:
                self.readings = readings
                self._measures.answer(measured)
            case Failed(text):
                self.failure = text


def start_worker(
    order: Order,
    *,
    name: str = "",
    stdout: int | None = None,
    stderr: int | None = None,
    environment: Mapping[str, str] | None = None,
) -> WorkerProcess:
    """Start a worker process.

    Args:
        name: shown in process lists.
        stdout: a descriptor for its output; that of this process if None. So is *stderr*.
        environment: its variables; those of this process if None.

    Raises:
        OSError: the system cannot start another process.
    """
    shown = ["pyasynq-worker", order.target, *([name] if name else [])]
    with socket_pair() as (ours, theirs):
        descriptor = theirs.fileno()
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command_of(PROGRAM, str(descriptor), *shown),
            pass_fds=(descriptor,),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            env=environment,
            start_new_session=True,
        )
    worker = WorkerProcess(process, ours)
    with contextlib.suppress(OSError):  # one that is gone already is noticed by its end
        ours.sendall(encoded(order))
    return worker


def kill_others_of_session(leader: int) -> None:
    """Kill all processes of a session but its leader: processes of handlers lead other groups.

    Only Linux lists the processes of a session; elsewhere nothing happens.
    """
    killed = {leader}
    while found := _session_of(leader) - killed:  # they may have started others meanwhile
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        killed |= found


def _session_of(leader: int) -> set[int]:
    pids = {int(each.name) for each in Path("/proc").glob("[0-9]*")}
    return {pid for pid in pids if _leader_of(pid) == leader}


def _leader_of(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except OSError:  # it has ended meanwhile
        return None


def ending(process: WorkerProcess) -> str:
    """Return how *process* has ended, and why if it has reported that."""
    how = exit_text(process.exit_code or 0)
    return f"{how}: {process.failure}" if process.failure else how
