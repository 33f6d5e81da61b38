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


def test_the_wheel_holds_scripts_and_types(tmp_path):
    from hatchling.builders.wheel import WheelBuilder  # noqa: PLC0415 - only here

    builder = WheelBuilder(str(ROOT))
    (path,) = builder.build(directory=str(tmp_path), versions=["standard"])
    import zipfile  # noqa: PLC0415 - only here

    names = set(zipfile.ZipFile(path).namelist())
    scripts = {str(each.relative_to(ROOT / "src")) for each in (ROOT / "src").rglob("*.lua")}

    assert "pyasynq/py.typed" in names
    assert "pyasynq/wire/asynq.proto" in names
    assert scripts <= names
    assert not any(name.startswith("tests") for name in names)
