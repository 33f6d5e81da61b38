"""Virtual environments that are made when they are needed, each with pinned packages of its own."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import interpreters
from benchmarks.measure.interpreters import InterpreterAbsentError, Version

ROOT = Path(__file__).parents[2]
BUILT = ROOT / ".benchmarks"  # what is built on demand; not kept in the repository
NOTE = "installed.json"


class InstallError(Exception):
    """An environment could not be made; the text says why, if pip failed with its last lines."""


@dataclass(frozen=True)
class Environment:
    """An environment that is there.

    Attributes:
        python: its interpreter.
        versions: of all its packages, by name, and of its `python`.
    """

    python: Path
    versions: dict[str, str]


def environment(
    name: str,
    requirements: Sequence[str],
    *,
    inside: Path = BUILT,
    least: Version | None = None,
    version: Version | None = None,
) -> Environment:
    """Return the environment of that name, made anew if it has other packages or is absent.

    Args:
        name: of its folder.
        requirements: what pip installs: packages and options.
        inside: where its folder is.
        least: the lowest version of Python that the packages run on; this one if None.
        version: of the Python that is wanted, whatever *least* is.

    Raises:
        InstallError: there is no such interpreter, or pip could not install the packages; what is
            there is not used.
    """
    folder = inside / name
    own, note = folder / "bin" / "python", folder / NOTE
    wanted = sorted(requirements)
    if note.exists():
        found = json.loads(note.read_text("utf-8"))
        if found["requirements"] == wanted:
            return Environment(own, found["versions"])
    print(f"installing {name}", file=sys.stderr)
    _make(folder, _interpreter(least, version))
    _pip(own, "install", "-q", *wanted)
    listed = json.loads(_pip(own, "list", "--format", "json"))
    versions = {each["name"].lower(): each["version"] for each in listed}
    versions["python"] = _output(own, "-c", "import platform; print(platform.python_version())")
    note.write_text(json.dumps({"requirements": wanted, "versions": versions}, indent=1), "utf-8")
    return Environment(own, versions)


def _interpreter(least: Version | None, version: Version | None) -> Path:
    try:
        if version is not None:
            return interpreters.of_version(version)
        return Path(sys.executable) if least is None else interpreters.at_least(least)
    except InterpreterAbsentError as error:
        raise InstallError(str(error)) from None


def _make(folder: Path, python: Path) -> None:
    """Make an environment without pip, which takes longer than all else."""
    _output(python, "-m", "venv", "--clear", "--symlinks", "--without-pip", str(folder))


def _pip(python: Path, *arguments: str) -> str:
    """Let the pip of this environment work on that of *python*, which has none."""
    pip = ("-m", "pip", "--disable-pip-version-check", "--python", str(python))
    return _output(Path(sys.executable), *pip, *arguments)


def _output(python: Path, *arguments: str) -> str:
    done = subprocess.run([python, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise InstallError((done.stderr or done.stdout).strip()[-800:])
    return done.stdout.strip()
