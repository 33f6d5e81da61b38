"""The guide about tests: its code does what the page says."""

import re
import subprocess
import sys
from pathlib import Path

from tests.testing.test_plugin import SETTINGS

PAGE = Path(__file__).parents[2] / "docs" / "guides" / "testing.md"
BLOCK = re.compile(r"```(?:python|ini)\n(.*?)```", re.DOTALL)
NAME = re.compile(r"# ([\w.]+)\n")
IMPORTS = """
import asyncio
import unittest
from datetime import UTC, datetime, timedelta
import pytest
from pyasynq import AsyncClient, DuplicateTaskError, Server, ServeMux, Task, TaskFailedError
from pyasynq.testing import running_worker, task_context
from shop import *
"""


def test_every_snippet_is_a_test_that_passes(tmp_path):
    tests = []
    for block in BLOCK.findall(PAGE.read_text()):
        name = NAME.match(block)
        if name is None:
            tests.append(block)
        else:
            (tmp_path / name[1]).write_text(block)
    (tmp_path / "test_shop.py").write_text(IMPORTS + "\n\n".join(tests))
    more = SETTINGS.replace("[pytest]", "").replace("pyasynq_app = shop:app", "")
    with (tmp_path / "pytest.ini").open("a") as settings:
        settings.write(more)

    command = [sys.executable, "-m", "pytest", "-q", str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)

    assert ran.returncode == 0, ran.stdout
    assert f"{sum(each.count('def test_') for each in tests)} passed" in ran.stdout


def test_the_failure_that_the_page_shows_is_the_one_that_users_see(tmp_path):
    page = PAGE.read_text()
    shop = next(each for each in BLOCK.findall(page) if each.startswith("# shop.py"))
    (tmp_path / "shop.py").write_text(shop)
    (shown,) = re.findall(r"    AssertionError: (.*\n(?:      .*\n)+)", page)
    program = (
        "from shop import *\n"
        "with app.testing() as harness:\n"
        "    sign_up.enqueue(42)\n"
        "    harness.run_pending()\n"
        "    harness.assert_enqueued(send_welcome.bind(43), queue='low')\n"
    )

    command = [sys.executable, "-c", program]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)

    said = ran.stderr.split("AssertionError: ")[1]
    assert said.split() == shown.split()
