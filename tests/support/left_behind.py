"""What the tests of a module leave behind, and must not: others would meet it, and fail by chance.

That is a connection to the Redis that tests share, a thread, or a process, whoever has started it.
"""

import gc
import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis

from pyasynq.app.harness import places

WITHIN_S = 10.0  # a process that has been killed may need a moment
POLL_S = 0.01
MARK = "PYASYNQ_TEST_PROCESS"  # in the environment of what this process starts
PROCESSES = Path("/proc")
PORT = re.compile(r"\b[1-3]\d{4}\b")  # of a server, in the command of its process; see ports.py
# `App.testing` has one Redis for all of a process, which ends with it.
LASTING_THREADS = frozenset({"MainThread", "pyasynq embedded redis"})

Found = dict[tuple[str, int], str]


class LeftBehind:
    """Knows what there was before, and what lasts as long as the session does."""

    def __init__(self) -> None:
        os.environ[MARK] = str(os.getpid())
        self._lasting: Found = {}

    @contextmanager
    def lasting(self) -> Iterator[None]:
        """What is started meanwhile may stay."""
        before = started()
        yield
        self._lasting |= {key: text for key, text in started().items() if key not in before}

    @contextmanager
    def nothing(self, server_client: redis.Redis, of: str) -> Iterator[None]:
        """Fail if anything is left of what is started or connected meanwhile."""
        before = started() | connected(server_client)
        yield
        end = time.monotonic() + WITHIN_S
        while left := self._new(started() | connected(server_client), before):
            gc.collect()  # what nobody holds any longer closes itself
            if time.monotonic() > end:
                raise AssertionError(f"tests of {of} leave behind: {'; '.join(left)}")
            time.sleep(POLL_S)

    def _new(self, now: Found, before: Found) -> list[str]:
        # A test may have started a server of the session again: it is another process then.
        ports = {port for text in self._lasting.values() for port in PORT.findall(text)}
        known = before.keys() | self._lasting.keys()
        lasting = {number for kind, number in self._lasting if kind == "process"}
        return [
            text
            for (kind, number), text in now.items()
            if (kind, number) not in known
            and not ports.intersection(PORT.findall(text))
            and not (kind == "process" and lasting.intersection(_above(number)))
        ]


def connected(server_client: redis.Redis) -> Found:
    """The connections to a server, but for that of the client itself, which may be a new one."""
    own = server_client.client_id()
    return {
        ("connection", int(each["id"])): f"a connection ({each['cmd']}, {each['age']} s old)"
        for each in server_client.client_list()
        if int(each["id"]) != own
    }


def started() -> Found:
    """The threads of this process, and the processes that it or one of them has started."""
    found: Found = {
        ("thread", each.ident or 0): f"the thread {each.name!r}"
        for each in threading.enumerate()
        if each.name not in LASTING_THREADS
    }
    for pid in {*_below(os.getpid()), *_orphans()}:
        found["process", pid] = f"the process {pid}, {_command(pid)!r}"
    return found


def _above(pid: int) -> Iterator[int]:
    """The processes that have started this one: a browser starts a process for each page."""
    while pid > 1:
        try:
            pid = int((PROCESSES / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            return
        yield pid


def _below(pid: int) -> Iterator[int]:
    """The children of a process, and theirs."""
    try:
        lists = [each.read_text() for each in (PROCESSES / str(pid) / "task").glob("*/children")]
    except OSError:
        return
    for child in map(int, " ".join(lists).split()):
        if not _is_lasting(child):
            yield child
            yield from _below(child)


def _orphans() -> Iterator[int]:
    """The processes whose parent has left them."""
    mark = f"{MARK}={os.getpid()}\0".encode()
    for path in PROCESSES.glob("[0-9]*/environ"):
        try:
            is_ours = mark in path.read_bytes()
        except OSError:  # it has ended, or is somebody else's
            continue
        if is_ours and not _is_lasting(int(path.parent.name)):
            yield int(path.parent.name)


def _is_lasting(pid: int) -> bool:
    """Whether the process ends with this one, as that of `multiprocessing` does."""
    folders = [str(Path(each.socket_path).parent) for each in places._private]
    command = _command(pid)
    return any(part in command for part in ("multiprocessing.resource_tracker", *folders))


def _command(pid: int) -> str:
    try:
        return (PROCESSES / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except (OSError, ValueError):
        return "?"
