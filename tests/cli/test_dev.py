"""``pyasynq dev``: runs, starts again, and leaves nothing behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from pyasynq.cli import dev as dev_module
from pyasynq.cli.dev import DevWorker, find_redis
from pyasynq.cli.http_address import Address
from pyasynq.cli.supervision.protocol import Order
from pyasynq.client import Client
from pyasynq.connection.embedded.server import EmbeddedServer, is_running
from pyasynq.connection.options import ConnectionOptions
from pyasynq.inspector import Inspector
from pyasynq.lifecycle.listening import listener_on
from pyasynq.task import Task
from tests.support.chaos_proxy import ChaosProxy
from tests.support.eventually import eventually
from tests.support.ports import free_port

APP = """
import os
from pyasynq import App
app = App(task_check_interval=0.05)
@app.task
def note() -> None:
    with open("notes", "a") as notes:
        notes.write("WORD %d\\n" % os.getpid())
"""

ENDLESS = """
import asyncio, os
from pyasynq import App
app = App(task_check_interval=0.05, shutdown_timeout=3600)
@app.task
async def endless() -> None:
    with open("notes", "a") as notes:
        notes.write("WORD %d\\n" % os.getpid())
    await asyncio.sleep(3600)
"""

ENDLESS_IN_A_THREAD = ENDLESS.replace("async def", "def").replace(
    "await asyncio", "import time; time"
)


class Dev:
    """A running ``pyasynq dev`` in a folder of its own."""

    def __init__(self, folder: Path, url: str, *options: str, app: str = APP) -> None:
        self.folder = folder
        self.app = app
        self.write("one")
        self.log = (folder / "log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pyasynq", "dev", "shop:app", *(options or ["--no-ui"])],
            cwd=folder,
            env={**os.environ, "PYASYNQ_REDIS_URL": url},
            stdout=self.log,
            stderr=self.log,
        )

    def write(self, word: str) -> None:
        text = self.app.replace("WORD", word) if word else "this is not a program"
        (self.folder / "shop.py").write_text(text)

    def logged(self) -> str:
        return (self.folder / "log").read_text()

    def notes(self) -> list[tuple[str, int]]:
        path = self.folder / "notes"
        lines = path.read_text().splitlines() if path.exists() else []
        return [(word, int(pid)) for word, pid in (line.split() for line in lines)]

    def stop(self) -> int:
        self.process.terminate()
        code = self.process.wait(30)
        self.log.close()
        return code


@pytest.fixture
def dev(tmp_path, redis_url):
    dev = Dev(tmp_path, redis_url)
    yield dev
    dev.stop()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def answer_at(url: str) -> int:
    """Return the status of an answer; 0 if nobody listens."""
    try:
        return httpx.get(url).status_code
    except httpx.ConnectError:
        return 0


@pytest.mark.slow
def test_each_start_and_end_of_a_task_is_a_line(dev, redis_url):
    with Client(redis_url) as client:
        info = client.enqueue(Task("note", b"{}"))
    eventually(lambda: f"note[{info.id[:8]}] done after" in dev.logged())

    assert f"note[{info.id[:8]}] started" in dev.logged()


def test_the_worker_starts_again_when_the_code_changes_and_stops_with_dev_and_its_page(
    tmp_path, redis_url
):
    address = f"127.0.0.1:{free_port()}"
    dev = Dev(tmp_path, redis_url, "--http", address)
    with Client(redis_url) as client:
        client.enqueue(Task("note"))
        eventually(lambda: len(dev.notes()) == 1)
        eventually(lambda: answer_at(f"http://{address}/api/queues") == 200)
        dev.write("two")
        eventually(lambda: "shop.py changed; starting again" in dev.logged())
        eventually(lambda: dev.logged().count("serves default=1") == 2)
        page = answer_at(f"http://{address}/api/queues")
        client.enqueue(Task("note"))
        eventually(lambda: len(dev.notes()) == 2)

    assert dev.stop() == 0
    assert [word for word, _pid in dev.notes()] == ["one", "two"]
    assert not any(is_alive(pid) for _word, pid in dev.notes())
    assert (page, f"web UI: http://{address}/" in dev.logged()) == (200, True)
    assert "Traceback" not in dev.logged()
    assert "Fatal" not in dev.logged()


@pytest.mark.long
def test_the_web_ui_shows_the_redis_of_the_app_and_stays_while_the_worker_starts_again(
    tmp_path, redis_url
):
    own = f"{redis_url}&namespace=own"
    url = f"http://127.0.0.1:{free_port()}/"
    app = APP.replace("App(", f'App("{own}", ')
    dev = Dev(tmp_path, redis_url, "--http", url.removeprefix("http://").rstrip("/"), app=app)
    with Client(own) as client:
        client.enqueue(Task("note"), queue="elsewhere")
    eventually(lambda: answer_at(f"{url}readyz") == 200)
    seen = httpx.get(f"{url}api/queues")
    dev.write("")
    eventually(lambda: "waiting for a change" in dev.logged())
    meanwhile = httpx.get(f"{url}api/queues"), httpx.get(f"{url}readyz")
    dev.write("two")
    eventually(lambda: answer_at(f"{url}readyz") == 200)

    assert f"web UI: {url}" in dev.logged()
    assert [each["queue"] for each in seen.json()["queues"]] == ["elsewhere"]
    assert [each.status_code for each in meanwhile] == [200, 503]
    assert dev.stop() == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "app"),
    [(signal.SIGINT, ENDLESS), (signal.SIGTERM, ENDLESS), (signal.SIGINT, ENDLESS_IN_A_THREAD)],
    ids=["sigint", "sigterm", "thread"],
)
def test_a_second_signal_does_not_wait_for_handlers(number, app, tmp_path, redis_url):
    dev = Dev(tmp_path, redis_url, app=app)
    with Client(redis_url) as client:
        info = client.enqueue(Task("endless"))
    eventually(lambda: len(dev.notes()) == 1)
    dev.process.send_signal(number)
    eventually(lambda: "shuts down: it waits up to" in dev.logged())

    dev.process.send_signal(number)

    assert dev.process.wait(60) == 0
    assert f"{number.name} again: not waiting for handlers" in dev.logged()
    assert not is_alive(dev.notes()[0][1])
    with Inspector(redis_url) as inspector:
        assert inspector.tasks.get("default", info.id).state == "pending"
    dev.stop()


@pytest.mark.slow
@pytest.mark.parametrize("grace", ["0", "0.2"])
def test_a_reload_does_not_wait_for_handlers_for_longer_than_its_grace(grace, tmp_path, redis_url):
    dev = Dev(tmp_path, redis_url, "--no-ui", "--reload-grace", grace, app=ENDLESS)
    with Client(redis_url) as client:
        client.enqueue(Task("endless"))
    eventually(lambda: len(dev.notes()) == 1)

    dev.write("two")

    eventually(lambda: [word for word, _pid in dev.notes()] == ["one", "two"], within_s=60)
    dev.process.kill()
    dev.stop()
    worker = dev.notes()[-1][1]  # it would wait for its handler, and be seen in Redis, for an hour
    os.kill(worker, signal.SIGKILL)
    eventually(lambda: not is_alive(worker))


@pytest.mark.slow
def test_code_that_does_not_load_is_reported_and_waited_for(dev, redis_url):
    eventually(lambda: "serves default=1" in dev.logged())
    dev.write("")
    eventually(lambda: "waiting for a change" in dev.logged())
    assert "SyntaxError" in dev.logged()
    dev.write("mended")
    with Client(redis_url) as client:
        client.enqueue(Task("note"))
    eventually(lambda: [word for word, _pid in dev.notes()] == ["mended"])


@pytest.mark.slow
def test_the_worker_stops_when_dev_is_killed(dev, redis_url):
    with Client(redis_url) as client:
        client.enqueue(Task("note"))
    eventually(lambda: len(dev.notes()) == 1)
    ((_word, worker),) = dev.notes()
    dev.process.send_signal(signal.SIGKILL)
    dev.process.wait()

    eventually(lambda: not is_alive(worker))


def test_an_embedded_redis_is_used_where_none_answers(tmp_path, monkeypatch, redis_server):
    monkeypatch.chdir(tmp_path)
    with ChaosProxy(0) as proxy:
        proxy.refuse()
        nobody = ConnectionOptions(hosts=(("127.0.0.1", proxy.port),))

        assert find_redis(nobody) == "embedded:.pyasynq"
    assert (tmp_path / ".pyasynq" / ".gitignore").read_text() == "*\n"

    somebody = ConnectionOptions.from_url(redis_server.tcp_url)
    assert find_redis(somebody) == redis_server.tcp_url


def test_an_embedded_redis_keeps_its_data_in_the_nearest_folder_above(tmp_path, monkeypatch):
    (tmp_path / "my shop" / ".pyasynq").mkdir(parents=True)
    below = tmp_path / "my shop" / "src"
    below.mkdir()
    monkeypatch.chdir(below)
    nobody = ConnectionOptions(hosts=(("127.0.0.1", 1),))

    found = ConnectionOptions.from_url(find_redis(nobody))

    assert found.path == str(tmp_path / "my shop" / ".pyasynq")
    assert not (below / ".pyasynq").exists()


def test_other_programs_of_the_directory_find_the_embedded_redis(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYASYNQ_REDIS_URL", raising=False)
    assert not is_running()
    assert ConnectionOptions.from_environment().kind == "standalone"

    server = EmbeddedServer.acquire()
    try:
        assert is_running()
        assert ConnectionOptions.from_environment().kind == "embedded"
    finally:
        server.release()


def test_without_redis_it_says_so(tmp_path):
    (tmp_path / "shop.py").write_text(APP)
    with ChaosProxy(0) as proxy:
        proxy.refuse()
        command = [sys.executable, "-m", "pyasynq", "dev", "shop:app", "--redis-url", proxy.url]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 69
    assert "no redis at" in done.stderr


def test_the_usual_port_of_the_page_may_be_taken(monkeypatch, caplog):
    caplog.set_level("INFO")
    given = dev_module.command.make_context("dev", ["shop:app"]).params
    port = free_port()
    with listener_on("127.0.0.1", port):
        monkeypatch.setattr(dev_module, "USUAL", Address("127.0.0.1", port))
        worker = DevWorker(Order(target="shop:app", app_dir=None), reload_grace_s=1)
        with dev_module._page(None, given, worker):
            pass

    (where, why) = caplog.messages[:2]
    assert where.startswith("web UI: http://127.0.0.1:")
    assert f":{port}/" not in where
    assert why == f"port {port} is taken, so it has another; --http chooses one"
