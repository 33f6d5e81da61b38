"""The example of a Django project: its own tests pass, and a worker runs its tasks."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.eventually import eventually

FOLDER = Path(__file__).parents[2] / "examples" / "django_shop"
ORDER = """
import django
django.setup()
from django.test import Client
answer = Client().post("/orders", {"item": "tea"})
print(answer.status_code, answer.content.decode())
"""


ASYNC_TEST = """
from pyasynq.contrib.django.test import TestCase
from shop.models import Order
from shop.tasks import confirm


class AsyncOrderTest(TestCase):
    async def test_an_order_is_confirmed(self):
        order = await Order.objects.acreate(item="tea")
        await confirm.aenqueue(order.pk)
        await self.harness.arun_pending(raises=True)
        assert (await Order.objects.aget()).is_confirmed
"""


@pytest.fixture
def environment(tmp_path, redis_url):
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "shop.settings",
        "PYASYNQ_REDIS_URL": redis_url,
        "PYTHONDONTWRITEBYTECODE": "1",
        "SHOP_DATABASE": str(tmp_path / "shop.sqlite3"),
    }


def run(environment, *arguments):
    command = [sys.executable, "-W", "error", *arguments]
    return subprocess.run(
        command, env=environment, cwd=FOLDER, capture_output=True, text=True, check=False
    )


@pytest.mark.slow
def test_its_own_tests_pass(environment):
    done = run(environment, "manage.py", "test")

    assert (done.returncode, done.stderr.count("Ran 3 tests")) == (0, 1), done.stderr


@pytest.mark.slow
def test_an_async_test_of_django_runs_tasks_in_the_thread_of_its_transaction(environment, tmp_path):
    (tmp_path / "async_tests.py").write_text(ASYNC_TEST)

    environment |= {"PYTHONPATH": str(tmp_path)}
    done = run(environment, "manage.py", "test", "async_tests")

    assert (done.returncode, done.stderr.count("Ran 1 test")) == (0, 1), done.stderr


@pytest.mark.slow
def test_a_worker_confirms_an_order(environment):
    made = run(environment, "manage.py", "migrate", "--run-syncdb")
    assert made.returncode == 0, made.stderr
    ordered = run(environment, "-c", ORDER)
    assert ordered.stdout == "202 order 1\n\n", ordered.stderr

    command = [sys.executable, "manage.py", "pyasynq", "worker"]
    with subprocess.Popen(command, env=environment, cwd=FOLDER) as worker:
        database = sqlite3.connect(environment["SHOP_DATABASE"])
        confirmed = "SELECT count(*) FROM shop_order WHERE is_confirmed"
        try:
            eventually(lambda: database.execute(confirmed).fetchone() == (1,))
        finally:
            database.close()
            worker.terminate()

    assert worker.returncode == 0


def test_it_fits_on_two_screens():
    files = [FOLDER / "manage.py", *(FOLDER / "shop").glob("*.py")]

    assert sum(len(each.read_text().splitlines()) for each in files if each.stem != "tests") <= 100
