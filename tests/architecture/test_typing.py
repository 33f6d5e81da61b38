"""What users' type checkers say: each line marked ``# error`` in tests/typing, and no other."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import pyasynq
from pyasynq import testing, web

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests" / "typing"
MARK = re.compile(r"  # error$")
MYPY_ERROR = re.compile(r"(?P<path>.+?):(?P<line>\d+): error: ")


def marked():
    """Return (file, line) of every line that must be an error."""
    return {
        (path.name, number)
        for path in FOLDER.glob("*.py")
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if MARK.search(line)
    }


def run(*arguments):
    command = [sys.executable, "-m", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def found_by_mypy(tmp_path):
    done = run("mypy", "--strict", "--no-pretty", *sorted(FOLDER.glob("*.py")))
    assert done.returncode == 1, done.stdout + done.stderr
    errors = filter(None, map(MYPY_ERROR.match, done.stdout.splitlines()))
    return {(Path(error["path"]).name, int(error["line"])) for error in errors}


def found_by_basedpyright(tmp_path):
    del tmp_path
    done = run("basedpyright", "-p", FOLDER, "--pythonpath", sys.executable, "--outputjson")
    assert done.returncode == 1, done.stdout + done.stderr
    return {
        (Path(each["file"]).name, each["range"]["start"]["line"] + 1)
        for each in json.loads(done.stdout)["generalDiagnostics"]
        if each["severity"] == "error"
    }


@pytest.mark.slow
@pytest.mark.parametrize("found", [found_by_mypy, found_by_basedpyright])
def test_exactly_the_marked_lines_are_errors(found, tmp_path):
    expected = marked()

    errors = found(tmp_path)

    assert errors == expected
    assert len(expected) > 30


def public_names():
    """Return where every public class and function is, as `module.name`."""
    for package in (pyasynq, testing, web):
        for name in package.__all__:
            found = getattr(package, name)
            if hasattr(found, "__qualname__"):
                yield f"{found.__module__}.{found.__qualname__}"


@pytest.mark.long
@pytest.mark.timeout(600)
def test_every_checker_knows_the_types_of_all_that_is_public():
    public = set(public_names())
    command = [sys.executable, "-m", "basedpyright", "--verifytypes", "pyasynq"]
    here = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}

    done = subprocess.run(
        [*command, "--ignoreexternal", "--outputjson"],
        cwd=FOLDER,
        env=here,
        capture_output=True,
        text=True,
        check=False,
    )

    symbols = json.loads(done.stdout)["typeCompleteness"]["symbols"]
    known = [each for each in symbols if is_in(each["name"], public)]
    assert len(known) > 1000
    assert [each["name"] for each in known if not each["isTypeKnown"]] == []


def is_in(symbol, public):
    """Whether a symbol is a public name, or a member of one."""
    return symbol in public or symbol.rpartition(".")[0] in public
