"""`pyasynq health` tells probes by its exit code whether all is well."""

import json
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from pyasynq.broker.operations import presence
from pyasynq.broker.runners.runner import Runner
from pyasynq.clock import NANOSECONDS, SystemClock
from pyasynq.connection.connector import Connector
from pyasynq.wire.records import ServerRecord
from tests.support.ports import free_port


@pytest.fixture
def server(redis_url):
    """Shows a server in Redis that serves some queues."""

    def show(*queues, status="active"):
        clock = SystemClock()
        record = ServerRecord(
            host="h", server_id=status, status=status, queues=dict.fromkeys(queues, 1)
        )
        runner = Runner(Connector.of(redis_url).open_sync(), clock=clock)
        now_s = clock.now_ns() // NANOSECONDS
        for operation in presence.write_server_state(
            record, {}, namespace="asynq", now_s=now_s, ttl_s=60
        ):
            runner.run(operation)
        runner.close()

    return show


def test_all_is_well_if_a_server_is_alive(cli, server):
    server("mail")

    done = cli("health")

    healthy, redis, servers = done.out.splitlines()
    assert (done.code, done.err) == (0, "")
    assert healthy == "Healthy: yes"
    assert redis.startswith("Redis:   answers in ")
    assert servers == "Servers: 1 alive"


def test_each_queue_that_is_named_must_be_served(cli, server):
    server("mail", "ads")

    served = cli("health", "-q", "mail", "-q", "ads")
    missing = cli("health", "-q", "mail", "-q", "news")

    assert (served.code, missing.code) == (0, 1)
    assert "Queue ads:  served by 1 server\n" in served.out
    assert "Problem:    no server serves queue 'news'\n" in missing.out


@pytest.mark.parametrize("status", [None, "closed", "stopped"])
def test_without_a_server_that_takes_tasks_nothing_is_well(cli, server, status):
    if status:
        server("mail", status=status)

    done = cli("health", "-o", "json")

    found = json.loads(done.out)
    assert done.code == 1
    assert found.pop("latency") > 0
    assert found == {
        "healthy": False,
        "redis": True,
        "servers": 0,
        "queues": {},
        "problems": ["no server is alive; `pyasynq worker` starts one"],
    }


@pytest.mark.usefixtures("impatient")
def test_a_redis_that_does_not_answer_is_told_in_every_form(cli, tmp_path):
    url = f"unix://{tmp_path}/nobody?connect_timeout=1"

    plain = cli("health", "--redis-url", url)
    document = json.loads(cli("health", "--redis-url", url, "-o", "json").out)

    assert plain.code == 69
    assert "Problem: redis is not available" in plain.out
    assert (document["healthy"], document["redis"], document["latency"]) == (False, False, None)


@pytest.fixture
def port():
    """Listens like a worker that answers what the test says; returns what was asked, too."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            server.asked.append((self.path, self.headers["Host"]))
            status, body = server.answer
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", free_port()), Handler)
    server.asked, server.answer = [], (200, b'{"status":"ok","checks":[]}')
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_worker_is_asked_whether_it_is_ready_or_alive(cli, port, monkeypatch):
    monkeypatch.setenv("PYASYNQ_HTTP", f":{port.server_port}")  # as the worker itself is told

    ready = cli("health", "--http")
    alive = cli("health", "--http", f"127.0.0.1:{port.server_port}", "--live")

    assert (ready.code, ready.out, ready.err) == (0, "ready\n", "")
    assert (alive.code, alive.out) == (0, "alive\n")
    assert port.asked == [("/readyz", "localhost"), ("/healthz", "localhost")]


def test_the_settings_of_the_project_say_where_the_worker_is(cli, port, tmp_path, monkeypatch):
    (tmp_path / "pyproject.toml").write_text(
        f'[tool.pyasynq]\nhttp = "0.0.0.0:{port.server_port}"\n'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYASYNQ_HTTP", raising=False)

    assert cli("health", "--http").code == 0


@pytest.mark.parametrize(
    ("answer", "line"),
    [
        (
            (503, b'{"status":"not ready","reason":"it shuts down","checks":[]}'),
            "not ready: it shuts down",
        ),
        (
            (503, b'{"status":"not ready","reason":"\\u001b[31m\\n!"}'),
            r"not ready: \x1b[31m\n!",
        ),
        ((200, b"<html>"), "is not the port of a worker (status 200)"),
        ((404, b"[]"), "is not the port of a worker (status 404)"),
        ((200, b"[" * 100_000), "is not the port of a worker (status 200)"),
        ((200, b"\xff"), "is not the port of a worker (status 200)"),
    ],
)
def test_a_worker_that_is_not_ready_is_told_in_one_line(cli, port, answer, line):
    port.answer = answer

    done = cli("health", "--http", f"localhost:{port.server_port}")

    assert done.code == 1
    assert len(done.out.splitlines()) == 1
    assert line in done.out


def test_no_answer_is_told_in_one_line(cli):
    with socket.create_server(("127.0.0.1", free_port())) as silent:
        number = silent.getsockname()[1]
        late = cli("health", "--http", f":{number}", "--timeout", "0.01")
    absent = cli("health", "--http", f"127.0.0.1:{number}")
    unknown = cli("health", "--http", "no.such.host.invalid:80")

    assert (late.code, absent.code, unknown.code) == (1, 1, 1)
    assert late.out == f"no answer: :{number} is silent for 0.01 s\n"
    assert absent.out == f"no answer: 127.0.0.1:{number}: connection refused\n"
    assert unknown.out.startswith("no answer: no.such.host.invalid:80: ")


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["--live"], "--live needs --http"),
        (["--http", "8080"], "write HOST:PORT"),
        (["--http", ":0"], "name the one that the worker has logged"),
        (["--http", ":80", "-q", "mail"], "--http asks a worker"),
        (["--http", ":80", "-o", "json"], "--http asks a worker"),
        (["--http", ":80", "--timeout", "0"], "--timeout"),
    ],
)
def test_what_makes_no_sense_is_refused(cli, arguments, fault):
    done = cli("health", *arguments)

    assert (done.code, done.out) == (2, "")
    assert fault in done.err


def test_a_probe_imports_neither_redis_nor_a_worker_nor_a_web_server():
    program = (
        "import sys; from pyasynq.cli.main import pyasynq;"
        "pyasynq.main(['health', '--http', '127.0.0.1:1'], standalone_mode=False);"
        "print(*sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )

    loaded = set(done.stdout.split())
    heavy = {"redis", "asyncio", "starlette", "uvicorn", "pyasynq.task", "pyasynq.inspector"}
    assert not loaded & heavy
