"""Every property catches a bug that is planted for it."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.properties.planted_bugs import BUGS

FAILED = 1  # exit code of pytest
ROOT = Path(__file__).parents[2]


def properties() -> Iterator[str]:
    """Yield every test that generates its cases."""
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.parse(path.read_text("utf-8")).body:
            decorators = getattr(node, "decorator_list", [])
            if any(ast.unparse(each).startswith("given(") for each in decorators):
                yield f"{path.relative_to(ROOT)}::{node.name}"


def test_every_property_has_a_bug():
    assert set(BUGS) == set(properties())


@pytest.mark.long
@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_caught(name):
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n0", "-p", "no:cacheprovider"]
    command += ["-p", "tests.properties.planted_bugs", "--plant", name]

    ran = subprocess.run([*command, name], cwd=ROOT, capture_output=True, text=True, check=False)

    assert ran.returncode == FAILED, ran.stdout
    assert f"FAILED {name}" in ran.stdout
