"""The pytest plugin, as the tests of a project use it: each in a pytest of its own."""

import os
import subprocess
import sys

import pytest

from pyasynq.testing.plugin import app_at

SHOP = """
from pyasynq import App

app = App("redis://nowhere.invalid", name="shop")

@app.task(retention=60)
def add(left: int, right: int = 1) -> int:
    return left + right

@app.task
async def ask(number: int) -> None:
    await add.aenqueue(number)
"""
TESTS = """
import pytest
from pyasynq import Client, Task
from shop import add, ask

@pytest.mark.parametrize("again", [1, 2])
def test_harness(pyasynq_harness, again):
    add.options(task_id="one").enqueue(again)
    pyasynq_harness.assert_enqueued(add.bind(again), times=1)
    (handled,) = pyasynq_harness.run_pending(raises=True)
    assert handled.result == again + 1

@pytest.mark.pyasynq(eager=True)
class TestEager:
    def test_eager(self, pyasynq_harness):
        assert add.enqueue(1).result(timeout=0) == 2

    @pytest.mark.pyasynq(eager=False)
    def test_not_eager(self, pyasynq_harness):
        add.enqueue(1)
        assert pyasynq_harness.handled == []

async def test_async(pyasynq_harness):
    await ask.aenqueue(1)
    await pyasynq_harness.arun_pending(raises=True)
    pyasynq_harness.assert_enqueued(add.bind(1))

@pytest.mark.parametrize("again", [1, 2])
def test_url(pyasynq_redis_url, pyasynq_harness, again):
    with Client(pyasynq_redis_url) as client:
        client.enqueue(Task("email"), task_id="one")
    assert pyasynq_harness.tasks() == []

def test_worker(pyasynq_worker):
    handle = add.enqueue(1)
    ask.enqueue(5)
    assert handle.result(timeout=30) == 2
    pyasynq_worker.until_idle(timeout=30)
"""
SETTINGS = """
[pytest]
pyasynq_app = shop:app
pythonpath = .
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
filterwarnings = error
addopts = -p no:cacheprovider
"""


@pytest.fixture
def project(tmp_path):
    (tmp_path / "shop.py").write_text(SHOP)
    (tmp_path / "test_shop.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text(SETTINGS)
    return tmp_path


ALONE = ("-p", "pyasynq.testing.plugin", "-c", "/dev/null")


def ran(folder, *arguments):
    """Run pytest in *folder*; with `ALONE`, it loads no plugin but ours, which saves a second."""
    is_alone = arguments[: len(ALONE)] == ALONE
    environment = {**os.environ, **({"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"} if is_alone else {})}
    command = [sys.executable, "-m", "pytest", "-q", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, cwd=folder, check=False, env=environment
    )


def test_a_project_names_its_app_and_uses_the_fixtures(project):
    done = ran(project)

    assert "8 passed" in done.stdout, done.stdout


@pytest.mark.long  # its small form is in tests/app/harness/test_places.py
def test_processes_of_xdist_share_a_redis_of_the_user_and_lose_nothing(project, redis_client):
    redis_client.set("own", "data")
    redis_client.rpush("asynq:{default}:pending", "of production")
    before = {key: redis_client.dump(key) for key in redis_client.scan_iter()}
    url = redis_client.connection_pool.connection_kwargs["path"]

    done = ran(project, "-n", "2", f"--pyasynq-redis-url=unix://{url}", "--pyasynq-redis-shared")

    assert "8 passed" in done.stdout, done.stdout
    assert {key: redis_client.dump(key) for key in redis_client.scan_iter()} == before


def test_a_wrong_url_ends_pytest_at_once(project):
    done = ran(project, *ALONE, "--pyasynq-redis-url=http://localhost")

    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--pyasynq-redis-url: " in done.stderr


def test_without_an_app_the_fixture_says_how_to_name_one(project):
    done = ran(project, *ALONE, "-k", "test_harness")

    assert "write `pyasynq_app = shop:app` into the settings of pytest" in done.stdout


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("pyasynq.app:Ap", "pyasynq_app = pyasynq.app:Ap: module 'pyasynq.app' has no attribute"),
        ("pyasynq.app:App", "pyasynq_app = pyasynq.app:App is of type type, not an App"),
    ],
)
def test_a_wrong_name_of_the_app_is_told_in_one_line(path, fault):
    with pytest.raises(pytest.UsageError, match=fault):
        app_at(path)


def test_the_fixtures_are_listed_with_what_they_are(project):
    done = ran(project, *ALONE, "--fixtures")

    for text in (
        "URL of a Redis that is empty, and private to the test",
        "The App that the tests are about",
        "The harness of pyasynq_app, as of App.testing()",
        "A real worker of pyasynq_app, in a thread",
    ):
        assert text in done.stdout


def test_the_plugin_loads_nothing_for_tests_that_do_not_use_it(tmp_path):
    (tmp_path / "test_it.py").write_text(
        "import sys\n"
        "def test_it():\n"
        "    assert {each for each in sys.modules if each.startswith('pyasynq')} == "
        "{'pyasynq', 'pyasynq.version', 'pyasynq.testing', 'pyasynq.testing.plugin'}\n"
        "    assert not {'redis', 'msgspec'} & set(sys.modules)\n"
    )

    done = ran(tmp_path, *ALONE)

    assert "1 passed" in done.stdout, done.stdout
