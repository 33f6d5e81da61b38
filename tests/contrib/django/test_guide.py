"""The guide: its code is a project that Django has started, whose tests pass."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pyasynq.contrib.django.task_package import NAME

PAGE = Path(__file__).parents[3] / "docs" / "guides" / "django.md"
BLOCK = re.compile(r"```python\n# (?P<file>\S+)\n(?P<code>.*?)```", re.DOTALL)
# What a reader does besides; the files of the page that its own tests do not import are run, too.
MORE = """
from django.test import TestCase as PlainTestCase
from orders.mail import send_receipt
from orders.tasks import note_attempt, confirm_without_waiting
from orders.test_functions import check_that_an_order_is_confirmed
from shop.queue import reports


class PageTest(TestCase):
    def test_a_task_of_django_runs(self):
        result = send_receipt.enqueue(7)
        self.harness.run_pending(raises=True)
        result.refresh()
        self.assertEqual(result.return_value, "receipt 7")

    def test_some_tasks_do_not_wait(self):
        note_attempt.enqueue("tea")
        confirm_without_waiting(1)
        self.assertEqual(len(self.harness.tasks()), 2)
        self.assertEqual(reports.name, "reports")


class FunctionTest(PlainTestCase):
    def test_a_function_may_use_the_harness(self):
        check_that_an_order_is_confirmed()
"""


def run(folder, *command):
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_a_project_made_by_the_page_passes_its_tests(tmp_path):
    assert run(tmp_path, "-m", "django", "startproject", "shop", ".").returncode == 0
    (tmp_path / "orders").mkdir()
    (tmp_path / "orders" / "__init__.py").touch()
    blocks = BLOCK.findall(PAGE.read_text())
    for name, code in blocks:
        with (tmp_path / name).open("a") as file:
            file.write("\n" + code.replace("from django.tasks", f"from {NAME}"))
    with (tmp_path / "shop" / "settings.py").open("a") as file:
        file.write(f"\nINSTALLED_APPS += {[NAME] if NAME == 'django_tasks' else []}\n")
        file.write("MIGRATION_MODULES = dict.fromkeys(['admin', 'auth', 'contenttypes'])\n")
    with (tmp_path / "orders" / "tests.py").open("a") as file:
        file.write(MORE)

    done = run(tmp_path, "manage.py", "test", "--pattern", "tests.py")

    assert PAGE.read_text().count("```python") == len(blocks)
    assert (done.returncode, done.stderr.count("Ran 6 tests")) == (0, 1), done.stderr
