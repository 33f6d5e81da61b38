"""Every property catches a bug that is planted for it."""

import subprocess
import sys

import pytest

from tests.properties import test_bad_input
from tests.properties.planted_bugs import BUGS

FAILED = 1  # exit code of pytest


def test_every_property_has_a_bug():
    assert set(BUGS) == {name for name in vars(test_bad_input) if name.startswith("test_")}


@pytest.mark.long
@pytest.mark.parametrize("name", BUGS)
def test_a_planted_bug_is_caught(name):
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n0", "-p", "no:cacheprovider"]
    command += ["-p", "tests.properties.planted_bugs", "--plant", name]
    target = f"tests/properties/test_bad_input.py::{name}"

    ran = subprocess.run([*command, target], capture_output=True, text=True, check=False)

    assert ran.returncode == FAILED, ran.stdout
    assert f"FAILED {target}" in ran.stdout
