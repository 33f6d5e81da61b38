"""The Python interpreters of this machine, by version: those of pyenv, and those on the path.

Those of pyenv come first, because they were built alike, and so differ only in their version.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

Version = tuple[int, int]
KNOWN: tuple[Version, ...] = ((3, 11), (3, 12), (3, 13), (3, 14))
ASK = "import json, sys; print(json.dumps([*sys.version_info[:2]]))"
ANSWER_S = 10.0
ABSENT = "neither pyenv nor the path has one that starts"


class InterpreterAbsentError(Exception):
    """This machine has no such interpreter; the text says which."""


def at_least(least: Version) -> Path:
    """Return this interpreter if it is new enough, or else the one of the lowest version that is.

    Raises:
        InterpreterAbsentError: there is none.
    """
    if sys.version_info >= least:
        return Path(sys.executable)
    for version in KNOWN:
        if version >= least and (found := _found(version)):
            return found
    raise InterpreterAbsentError(f"Python {as_text(least)} or newer is needed; {ABSENT}")


def of_version(version: Version) -> Path:
    """Return an interpreter of that version.

    Raises:
        InterpreterAbsentError: there is none.
    """
    found = _found(version)
    if found is None:
        raise InterpreterAbsentError(f"Python {as_text(version)} is needed; {ABSENT}")
    return found


def as_text(version: Version) -> str:
    """Return a version as it is written, such as "3.12"."""
    return ".".join(map(str, version))


@cache
def _found(version: Version) -> Path | None:
    return next((path for path in _candidates(as_text(version)) if _asked(path) == version), None)


def _candidates(version: str) -> Iterator[Path]:
    pyenv = shutil.which("pyenv")
    if pyenv is not None:
        found = subprocess.run([pyenv, "root"], capture_output=True, text=True, check=False)
        versions = Path(found.stdout.strip()) / "versions"
        yield from sorted(versions.glob(f"{version}.*/bin/python{version}"))
    on_path = shutil.which(f"python{version}")
    if on_path is not None:
        yield Path(on_path)


def _asked(python: Path) -> Version | None:
    """Return the version that an interpreter reports; None if it does not start."""
    try:
        done = subprocess.run(
            [python, "-c", ASK], capture_output=True, text=True, check=False, timeout=ANSWER_S
        )
        major, minor = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return (major, minor)
