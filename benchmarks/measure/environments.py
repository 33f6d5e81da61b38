"""Virtual environments that are made when they are needed, each with pinned packages of its own."""

import json
import subprocess
import sys
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUILT = ROOT / ".benchmarks"  # what is built on demand; not kept in the repository
NOTE = "installed.json"


class InstallError(Exception):
    """An environment could not be made; the text is the end of pip's output."""


@dataclass(frozen=True)
class Environment:
    """An environment that is there.

    Attributes:
        python: its interpreter.
        versions: of all its packages, by name.
    """

    python: Path
    versions: dict[str, str]


def environment(name: str, requirements: Sequence[str], *, inside: Path = BUILT) -> Environment:
    """Return the environment of that name, made anew if it has other packages or is absent.

    Raises:
        InstallError: pip could not install the packages; what is there is not used.
    """
    folder = inside / name
    python, note = folder / "bin" / "python", folder / NOTE
    wanted = sorted(requirements)
    if note.exists():
        found = json.loads(note.read_text("utf-8"))
        if found["requirements"] == wanted:
            return Environment(python, found["versions"])
    print(f"installing {name}", file=sys.stderr)
    venv.create(folder, clear=True, symlinks=True)
    _pip(python, "install", "-q", *wanted)
    listed = json.loads(_pip(python, "list", "--format", "json"))
    versions = {each["name"].lower(): each["version"] for each in listed}
    note.write_text(json.dumps({"requirements": wanted, "versions": versions}, indent=1), "utf-8")
    return Environment(python, versions)


def _pip(python: Path, *arguments: str) -> str:
    """Let the pip of this environment work on that of *python*, which has none."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python)]
    done = subprocess.run([*pip, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise InstallError(done.stderr.strip()[-800:])
    return done.stdout
