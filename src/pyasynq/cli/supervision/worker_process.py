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
from collections.abc import Mapping
from concurrent.futures import Future
from pathlib import Path

from pyasynq.cli.supervision.protocol import (
    Command,
    CommandName,
    Failed,
    Order,
    Report,
    Started,
    encoded,
    read_from_worker,
)
from pyasynq.lifecycle.interpreter import command_of, exit_text, socket_pair

STOP_MARGIN_S = 5.0  # beyond what the worker itself allows its handlers
USUAL_STOP_S = 13.0  # what it allows them unless it reports another time

PROGRAM = "pyasynq.cli.supervision.program"


class WorkerProcess:
    """A worker process; made by `start_worker`.

    Attributes:
        failure: why it ended, if it has reported that; empty until then.
        stops_within_s: how long it may take to stop by itself.
        started: what it has told at its start; None until then.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", channel: socket.socket) -> None:
        self._process = process
        self._channel = channel
        self._unread = b""
        self.failure = ""
        self.stops_within_s = USUAL_STOP_S + STOP_MARGIN_S
        self.started: Started | None = None
        self._lock = threading.Lock()  # of what follows
        self._asked: Future[Report] | None = None

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
        """Ask for a report, in any thread; who calls `receive` gets it.

        There is never more than one question that has no answer, so that one who does not answer
        is not asked again and again.
        """
        with self._lock:
            if self._asked is None:
                self._asked = Future()
                self._asked.set_running_or_notify_cancel()  # who gives up takes it from nobody else
                self.send("report")
            return self._asked

    def receive(self) -> bool:
        """Read what the worker has sent; return whether more may come."""
        try:
            while received := self._channel.recv(4096, socket.MSG_DONTWAIT):
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
                self._answer(report)
            case Failed(text):
                self.failure = text

    def _answer(self, report: Report) -> None:
        with self._lock:
            asked, self._asked = self._asked, None
        if asked is not None:
            asked.set_result(report)


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
