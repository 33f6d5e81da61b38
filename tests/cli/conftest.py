"""Runs commands: in this process, or on a terminal of their own."""

import fcntl
import io
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from pyasynq.cli import main


class Done(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def cli(redis_url, monkeypatch, capsys) -> Callable[..., Done]:
    """Runs a command in this process; returns its exit code and what it printed."""
    monkeypatch.setenv("PYASYNQ_REDIS_URL", redis_url)

    def run(*arguments: str, stdin: str = "") -> Done:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        capsys.readouterr()
        code = main.run(
            lambda: main.pyasynq.main(
                args=list(arguments), standalone_mode=False, prog_name="pyasynq"
            )
        )
        return Done(code, *capsys.readouterr())

    return run


@pytest.fixture
def cli_in(cli, monkeypatch) -> Iterator[Callable[..., Done]]:
    """Runs a command in a folder, in this process, which forgets what it has loaded from there."""
    folders: set[str] = set()

    def run(folder: Path, *arguments: str) -> Done:
        folders.add(str(folder))
        monkeypatch.chdir(folder)
        monkeypatch.setattr(sys, "path", [*sys.path])
        return cli(*arguments)

    yield run
    for name, module in [*sys.modules.items()]:
        if str(getattr(module, "__file__", None)).startswith(tuple(folders)):
            del sys.modules[name]


@pytest.fixture
def on_terminal(redis_url) -> Callable[..., Done]:
    """Runs a command on a terminal, on which stdout and stderr are one."""

    def run(
        *arguments: str, typed: str = "", prompt: str = "", columns: int = 80, **environment: str
    ) -> Done:
        ours, its = pty.openpty()
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        given = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
        with subprocess.Popen(
            [sys.executable, "-m", "pyasynq", *arguments],
            env={**given, "TERM": "xterm", "PYASYNQ_REDIS_URL": redis_url, **environment},
            stdin=its,
            stdout=its,
            stderr=its,
        ) as process:
            os.close(its)
            shown = ""
            while prompt and prompt not in shown:  # what is typed before a password is dropped
                shown += os.read(ours, 65_536).decode()
            os.write(ours, typed.encode())
            shown += _all_of(ours)
        os.close(ours)
        return Done(process.returncode, shown.replace("\r\n", "\n"), "")

    return run


def _all_of(terminal: int) -> str:
    parts = []
    while True:
        try:
            part = os.read(terminal, 65_536)
        except OSError:  # nobody is at the other end any longer
            part = b""
        if not part:
            return b"".join(parts).decode()
        parts.append(part)
