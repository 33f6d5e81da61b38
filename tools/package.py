"""Builds the sdist and the wheel of a release into dist/, and checks both.

Usage: python tools/package.py [FOLDER]      (dist/ if none is given)

The sdist is made of the working tree and the wheel of the sdist. Both are built a second time, the
wheel from the working tree, and must be the same to the byte: whoever has the commit can prove what
a release is made of.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent


def run(*command: str | Path) -> None:
    """Run a command in the project.

    Raises:
        SystemExit: it has failed; what it printed says why.
    """
    words = [str(part) for part in command]
    code = subprocess.run(words, cwd=ROOT, check=False).returncode  # noqa: S603 - ours
    if code:
        raise SystemExit(f"{Path(command[0]).name} failed with exit code {code}")


def build(folder: Path, *kinds: str) -> dict[str, Path]:
    """Build into *folder*, the wheel from the sdist if no kind is given; return paths by kind."""
    run(sys.executable, "-m", "build", "--no-isolation", *kinds, "--outdir", folder, ROOT)
    found = {"sdist": sorted(folder.glob("*.tar.gz")), "wheel": sorted(folder.glob("*.whl"))}
    return {kind: paths[0] for kind, paths in found.items() if paths}


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def time_of_the_commit() -> str | None:
    """Return the seconds that the files of an archive are dated with; None outside of git."""
    command = ["git", "log", "-1", "--format=%ct"]
    done = subprocess.run(  # noqa: S603 - ours
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or None


def unlike(built: dict[str, Path], again: dict[str, Path]) -> list[str]:
    """Return the kinds of files that are not the same in both."""
    return [kind for kind in built if digest(built[kind]) != digest(again[kind])]


def main(arguments: list[str]) -> int:
    """Build and check; return the exit code."""
    folder = Path(arguments[0]).resolve() if arguments else ROOT / "dist"
    shutil.rmtree(folder, ignore_errors=True)
    dated = os.environ.get("SOURCE_DATE_EPOCH") or time_of_the_commit()
    if dated is not None:
        os.environ["SOURCE_DATE_EPOCH"] = dated
    built = build(folder)
    with tempfile.TemporaryDirectory() as other:
        wrong = unlike(built, build(Path(other), "--sdist", "--wheel"))
    if wrong:
        print(f"built twice, not the same: {', '.join(wrong)}")
        return 1
    run(BIN / "twine", "check", "--strict", *built.values())
    run(BIN / "check-wheel-contents", built["wheel"])
    sums = "".join(f"{digest(path)}  {path.name}\n" for path in built.values())
    (folder / "SHA256SUMS").write_text(sums, "utf-8")
    print(f"the same twice, dated {dated}:\n{sums}", end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
