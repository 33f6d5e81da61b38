"""A server of WSGI that loads an application and then forks."""

import os
import signal
import subprocess
import sys

import httpx
import pytest

from tests.support.eventually import eventually
from tests.support.ports import free_port
from tests.support.stored_tasks import store
from tests.support.web import root_of

SHOP = """
from flask import Flask
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from pyasynq.web import as_wsgi, create_app

app = Flask(__name__)
monitoring = as_wsgi(create_app(read_only=True))
app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/monitoring": monitoring})
"""


@pytest.fixture
def gunicorn(tmp_path, redis_url):
    (tmp_path / "shop.py").write_text(SHOP)
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "--preload", "--workers", "2"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--bind", f"127.0.0.1:{port}", "shop:app"],
            cwd=tmp_path,
            env={**os.environ, "PYASYNQ_REDIS_URL": redis_url},
            stderr=log,
        )
    yield process, f"http://127.0.0.1:{port}/monitoring"
    process.kill()
    process.wait()


@pytest.mark.long
def test_each_process_makes_its_loop_after_the_fork(gunicorn, redis_client, tmp_path):
    store(redis_client, "pending", "a/b", queue="x/y")
    process, url = gunicorn
    eventually(lambda: (tmp_path / "log").read_text().count("Booting worker") == 2)

    roots = [root_of(httpx.get(each, timeout=30).text) for each in (url, f"{url}/")]
    task = httpx.get(f"{url}/api/queues/x%2Fy/tasks/a%2Fb", timeout=30).json()
    pause = httpx.post(
        f"{url}/api/queues/x%2Fy:pause", headers={"Sec-Fetch-Site": "same-origin"}, timeout=30
    )
    process.send_signal(signal.SIGTERM)
    code = process.wait(30)

    assert roots == ["/monitoring"] * 2
    assert (task["queue"], task["id"]) == ("x/y", "a/b")
    assert (pause.status_code, code) == (405, 0)
