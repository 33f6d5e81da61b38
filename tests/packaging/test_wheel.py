"""The wheel: it holds the package and nothing else, the same each time, and runs by itself."""

import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

from pyasynq.version import __version__

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
NAME = f"pyasynq-{__version__}"
# Where files that are not Python are. Whoever adds one elsewhere names its folder here.
DATA = {
    "pyasynq": {"py.typed"},
    "pyasynq/broker/scripts": {".lua"},
    "pyasynq/broker/scripts/fragments": {".lua"},
    "pyasynq/tui": {".tcss"},
    "pyasynq/web/catalogues": {".toml"},
    "pyasynq/web/static": {".css", ".js", ".svg"},
    "pyasynq/web/templates": {".html"},
    "pyasynq/wire": {".proto", ".pyi"},
}
DESCRIPTION = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    return built(WheelBuilder, tmp_path_factory.mktemp("wheel"))


def built(builder, folder: Path) -> Path:
    (path,) = builder(str(ROOT)).build(directory=str(folder), versions=["standard"])
    return Path(path)


def in_the_source() -> set[str]:
    return {
        path.relative_to(ROOT / "src").as_posix()
        for path in (ROOT / "src" / "pyasynq").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_a_wheel_holds_the_package_and_nothing_else(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())

    described = {f"{NAME}.dist-info/{each}" for each in DESCRIPTION}
    assert names == in_the_source() | described


def test_a_file_that_is_not_python_is_where_such_files_are(wheel):
    others = [Path(each) for each in zipfile.ZipFile(wheel).namelist() if not each.endswith(".py")]
    found: dict[str, set[str]] = {}
    for path in others:
        if ".dist-info" not in path.parts[0]:
            found.setdefault(path.parent.as_posix(), set()).add(path.suffix or path.name)

    assert found | DATA == DATA
    assert {each for each in DATA if each not in found} == set()


def test_an_sdist_holds_what_makes_the_wheel_and_nothing_else(tmp_path):
    path = built(SdistBuilder, tmp_path)

    with tarfile.open(path) as archive:
        names = {each.removeprefix(f"{NAME}/") for each in archive.getnames()}
    others = {"README.md", "LICENSE", "CHANGELOG.md", "pyproject.toml", "PKG-INFO", ".gitignore"}
    assert names == {f"src/{each}" for each in in_the_source()} | others


def test_a_wheel_is_the_same_each_time(wheel, tmp_path):
    assert built(WheelBuilder, tmp_path).read_bytes() == wheel.read_bytes()


def test_what_was_unpacked_runs_as_a_module_in_any_folder(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    (tmp_path / "queue.py").write_text("raise RuntimeError('not the standard library')")
    (tmp_path / "app.py").write_text("from pyasynq import App\napp = App('redis://127.0.0.1:1')")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pyasynq", *arguments],
            cwd=tmp_path,
            env={"PYTHONPATH": str(tmp_path / "site")},
            capture_output=True,
            text=True,
            check=False,
        )

    version, worker = run("--version"), run("worker", "app:other")

    assert version.stdout == f"pyasynq {__version__}\n"
    assert (worker.returncode, worker.stdout) == (2, "")
    assert "has no 'other'; did you mean app:app?" in worker.stderr


def test_the_metadata_says_what_is_tested_and_invents_no_address(wheel):
    text = zipfile.ZipFile(wheel).read(f"{NAME}.dist-info/METADATA").decode()
    head = text.partition("\n\n")[0]

    assert f"Version: {__version__}" in head
    assert "License-Expression: MIT" in head
    assert "Requires-Python: >=3.11" in head
    minors = re.findall(r"^Classifier: .* :: 3\.(\d+)$", head, re.MULTILINE)
    assert minors == ["11", "12", "13"]
    assert "Project-URL" not in head


def test_the_oldest_protobuf_that_is_allowed_reads_what_was_generated():
    source = (ROOT / "src" / "pyasynq" / "wire" / "asynq_pb2.py").read_text()
    made_by = re.search(r"Domain\.PUBLIC,\s+(\d+),\s+(\d+),\s+(\d+)", source)
    (bound,) = (each for each in PROJECT["dependencies"] if each.startswith("protobuf"))

    assert made_by is not None
    assert bound == f"protobuf>={'.'.join(made_by.groups())}"


def test_every_extra_and_every_dependency_has_a_lower_bound():
    needed = [*PROJECT["dependencies"]]
    needed += [each for extra in PROJECT["optional-dependencies"].values() for each in extra]

    unbounded = [each for each in needed if ">=" not in each and not each.startswith("pyasynq[")]
    assert unbounded == []
