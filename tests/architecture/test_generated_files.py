"""Generated files are what their sources make of them, and layers are kept."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.mark.long  # `make check` says it, too, wherever changes land
def test_generated_files_are_fresh():
    done = run("tools/generate.py", "--check")

    assert (done.returncode, done.stdout) == (0, "")
