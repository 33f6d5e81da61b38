"""Writes every generated file again: protobuf code, sync twins, dashboard, parts of pages.

Usage: python tools/generate.py [--check]      (--check only names the files that are stale)
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import command_pages
import dashboard
import guides_page
import settings
import unasync

ROOT = unasync.ROOT
WIRE = ROOT / "src/pyasynq/wire"


def protobuf_outputs() -> dict[Path, str]:
    """Return the code that protoc makes of asynq.proto."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{WIRE}"]
        command += [f"--python_out={folder}", f"--pyi_out={folder}", "asynq.proto"]
        subprocess.run(command, check=True)  # noqa: S603 - our own command line
        made = sorted(Path(folder).iterdir())
        return {WIRE / path.name: path.read_text("utf-8") for path in made}


def formatted(text: str, path: Path) -> str:
    """Return *text* as the formatter leaves it: imports sorted, lines joined."""
    for command in (["check", "--fix-only", "-q"], ["format", "-q"]):
        arguments = [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(path), "-"]
        text = subprocess.run(  # noqa: S603 - our own command line
            arguments, input=text, capture_output=True, text=True, check=True, cwd=ROOT
        ).stdout
    return text


def main(arguments: list[str]) -> int:
    """Write the files, or with --check name those that are stale."""
    wanted = protobuf_outputs() | {
        path: formatted(text, path) if path.suffix == ".py" else text
        for each in (unasync, settings, dashboard, guides_page, command_pages)
        for path, text in each.outputs().items()
    }
    stale = [
        path
        for path, text in wanted.items()
        if not path.exists() or path.read_text("utf-8") != text
    ]
    for path in stale:
        print(path.relative_to(ROOT))
        if "--check" not in arguments:
            path.write_text(wanted[path], "utf-8")
    if "--check" in arguments and stale:
        print("these files are stale: run `make generate`")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
