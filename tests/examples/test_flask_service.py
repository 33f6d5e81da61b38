"""The Flask service: requests of a test client, and the worker of its own command."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from examples import flask_service as service

FILE = Path(service.__file__)
COMMAND = (sys.executable, "-m", "flask", "--app", "flask_service", "pyasynq", "worker")


@pytest.fixture
def harness():
    with service.queue.app.testing() as harness:
        yield harness


@pytest.fixture
def http(harness):
    flask = service.create_app({"GREETING": "good evening"})
    yield flask.test_client()
    flask.extensions["pyasynq_web_ui_monitoring"].close()


def test_a_greeting_is_ordered_made_in_the_context_of_the_application_and_fetched(http, harness):
    order = http.post("/greetings", json={"name": "Ann"})
    path = f"/greetings/{order.json['id']}"
    early = http.get(path)
    harness.run_pending(raises=True)

    assert (order.status_code, early.status_code) == (202, 409)
    assert http.get(path).json == "good evening, Ann"


def test_a_greeting_that_does_not_exist_is_not_found(http):
    assert http.get("/greetings/7").status_code == 404


def test_the_web_ui_is_for_those_who_have_logged_in(http):
    nobody = http.get("/monitoring/", buffered=True)

    assert nobody.status_code == 401


@pytest.mark.long
def test_the_command_of_the_first_lines_runs_the_tasks(redis_url):
    service.queue.app.reconfigure(redis_url)
    handle = service.greet.enqueue("Ann")
    environment = {**os.environ, "PYASYNQ_REDIS_URL": redis_url}
    with subprocess.Popen(COMMAND, env=environment, cwd=FILE.parent) as worker:
        try:
            result = handle.result(timeout=60)
        finally:
            worker.terminate()
    service.queue.app.close()

    assert (result, worker.returncode) == ("hello, Ann", 0)


def test_the_example_is_short():
    assert len(FILE.read_text().splitlines()) <= 80
