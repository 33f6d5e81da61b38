"""The process that runs an embedded server until its last user is gone; see server.py."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

from pyasynq.connection.embedded import locks
from pyasynq.lifecycle.interpreter import die_with_parent

PORT_TRIES = 3  # somebody else may take a free port before the server does
STOP_TIMEOUT_S = 10.0
POLL_S = 0.01


def main() -> int:
    """Run the server of the folder that the command line names; return the exit code."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    return supervise(Path(sys.argv[1]), *sys.argv[2:])


def supervise(folder: Path, binary: str, data_folder: str = "") -> int:
    """Run the server until its last user is gone.

    Args:
        folder: of the server's state.
        binary: the server program.
        data_folder: where the data is kept; empty: nowhere.

    Returns:
        The exit code: 0, or 1 when the server cannot run.
    """
    own_lock = locks.hold(folder / "supervisor.lock")
    server_lock = locks.hold(folder / "server.lock")  # waits for the end of an orphan
    data_lock = locks.try_hold(Path(data_folder) / "pyasynq.lock") if data_folder else own_lock
    if data_lock is None:
        sys.stderr.write(f"another server keeps its data in {data_folder}\n")
        return 1
    (folder / "server.json").unlink(missing_ok=True)
    for _ in range(PORT_TRIES):
        port = free_port()
        server = _start_server(folder, [binary, *_settings(folder, port, data_folder)], server_lock)
        try:
            if _wait_until_ready(server, folder / "redis.sock"):
                os.close(server_lock)  # from here on the server alone holds it
                _serve(server, folder, port)
                return 0
        finally:
            _stop(server, folder)
    return 1


def free_port() -> int:
    """Return a port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _settings(folder: Path, port: int, data_folder: str) -> list[str]:
    settings = {
        "port": str(port),
        "bind": "127.0.0.1",
        "unixsocket": str(folder / "redis.sock"),
        "unixsocketperm": "700",
        "maxmemory-policy": "noeviction",
        "save": "",
        "appendonly": "yes" if data_folder else "no",
        "dir": data_folder or str(folder),
    }
    return [word for name, value in settings.items() for word in (f"--{name}", value)]


def _start_server(folder: Path, command: list[str], lock: int) -> "subprocess.Popen[bytes]":
    (folder / "redis.sock").unlink(missing_ok=True)
    return subprocess.Popen(  # noqa: S603 - a server program found by find_binary
        command,
        pass_fds=(lock,),
        # One that is killed cannot stop its server; this process has a single thread.
        preexec_fn=lambda: die_with_parent(signal.SIGTERM),  # noqa: PLW1509
    )


def _wait_until_ready(server: "subprocess.Popen[bytes]", path: Path) -> bool:
    while server.poll() is None:
        if _answers(path):
            return True
        time.sleep(POLL_S)
    return False


def _answers(path: Path) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(2)
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
    except OSError:
        return False


def _serve(server: "subprocess.Popen[bytes]", folder: Path, port: int) -> None:
    """Publish where the server is, then wait until its last user is gone."""
    state = {"supervisor": os.getpid(), "server": server.pid, "port": port}
    draft = folder / "server.json.new"
    draft.write_text(json.dumps(state))
    draft.replace(folder / "server.json")
    threading.Thread(target=_end_with_server, args=(server, folder), daemon=True).start()
    # Held until the process ends: a new user waits until the server is gone, then starts another.
    locks.hold(folder / "users")
    (folder / "server.json").unlink(missing_ok=True)


def _end_with_server(server: "subprocess.Popen[bytes]", folder: Path) -> None:
    """End the supervisor when the server ends by itself, so that the next user starts another."""
    server.wait()
    (folder / "server.json").unlink(missing_ok=True)
    os._exit(1)


def _stop(server: "subprocess.Popen[bytes]", folder: Path) -> None:
    server.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        server.wait(STOP_TIMEOUT_S)
    server.kill()
    server.wait()
    (folder / "redis.sock").unlink(missing_ok=True)
