"""`pyasynq metrics` shows Prometheus what is in the queues, and stops at once."""

import os
import re
import signal
import socket
import subprocess
import sys
import time

import httpx
import pytest
from click.testing import CliRunner
from prometheus_client import CollectorRegistry

import pyasynq.cli.metrics
from pyasynq.cli.metrics import command
from pyasynq.lifecycle.listening import listener_on
from pyasynq.metrics.exporter import exporting
from tests.support import every_state
from tests.support.ports import free_port
from tests.support.scraped import labels_of, of, samples_of

STOPS_WITHIN_S = 10  # only a stop that waits for what never ends takes longer


@pytest.fixture
def start():
    """Starts the command; returns the process and the address that it printed."""
    started = []

    def run(*arguments, **environment):
        process = subprocess.Popen(
            [sys.executable, "-m", "pyasynq", "metrics", *arguments],
            env={**os.environ, **environment},
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        line = process.stderr.readline()
        return process, re.search(r"http://\S+:\d+/", line)[0].replace("0.0.0.0", "127.0.0.1")

    yield run
    for process in started:
        process.kill()
        process.wait()
        process.stderr.close()


@pytest.fixture
def exporter():
    """An exporter of nothing in this process; its address."""
    with listener_on("127.0.0.1", free_port()) as listener:
        with exporting(CollectorRegistry(), listener):
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.slow
def test_with_the_flags_of_go_it_shows_queues_and_its_own_process_and_stops_at_once(
    start, redis_client, redis_server
):
    every_state.fill(redis_client, int(time.time()))
    process, url = start(
        *("-redis-addr", f"127.0.0.1:{redis_server.port}", "-redis-db=0"),
        *("-port", "0", "--queue", "mail"),
    )
    with socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1][:-1]))):
        answer = httpx.get(f"{url}metrics")
        process.send_signal(signal.SIGTERM)
        code = process.wait(STOPS_WITHIN_S)
    samples = samples_of(answer.text)

    assert labels_of(samples, "asynq_queue_size", "queue") == ["mail"]
    assert of(samples, "process_resident_memory_bytes") > 0
    assert labels_of(samples, "python_info", "implementation") == ["CPython"]
    assert code == 0
    assert "Traceback" not in process.stderr.read()


@pytest.mark.slow
def test_it_goes_on_without_redis_and_says_so(start):
    address = f"redis://:secret@127.0.0.1:{free_port()}"
    process, url = start("--port", "0", "--host", "127.0.0.1", PYASYNQ_REDIS_URL=address)

    samples = samples_of(httpx.get(f"{url}metrics", timeout=30).text)
    process.send_signal(signal.SIGINT)

    assert of(samples, "pyasynq_redis_up") == 0
    assert process.wait(STOPS_WITHIN_S) == 0
    logged = process.stderr.read()
    assert logged.count("queues cannot be read") == 1
    assert "secret" not in logged


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/", 200, "metrics are at /metrics\n"),
        ("/healthz", 200, "ok\n"),
        ("/nowhere", 404, "metrics are at /metrics\n"),
        ("/metrics?x=1", 200, ""),
    ],
)
def test_every_path_is_answered(exporter, path, status, text):
    answer, head = httpx.get(exporter + path), httpx.head(exporter + path)

    assert (answer.status_code, answer.text) == (status, text)
    assert (head.status_code, head.text) == (status, "")


def test_nothing_can_be_sent_and_garbage_does_not_hurt(exporter):
    port = int(exporter.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port)) as visitor:
        visitor.sendall(b"\x00\xff\r\n\r\n")
        visitor.recv(100)

    assert httpx.post(f"{exporter}/metrics").status_code == 501
    assert httpx.get(f"{exporter}/healthz").status_code == 200


def test_a_port_that_is_taken_is_one_clear_line(cli):
    with socket.create_server(("127.0.0.1", free_port())) as other:
        port = other.getsockname()[1]
        done = cli("metrics", "--host", "127.0.0.1", "--port", str(port))

    assert (done.code, done.out) == (2, "")
    assert done.err == f"Error: cannot listen on 127.0.0.1:{port}: address already in use\n"


def test_without_the_extra_the_error_says_how_to_install_it(cli, monkeypatch):
    monkeypatch.setattr(pyasynq.cli.metrics, "has_extra", lambda: False)

    done = cli("metrics")

    assert done.code == 1
    assert "metrics needs the extra 'metrics'; `pip install 'pyasynq[metrics]'`" in done.err


@pytest.mark.parametrize(
    "arguments",
    [["--queue", " "], ["--port", "70000"], ["--redis-url", "redis://a", "-redis-addr", "b"]],
)
def test_wrong_arguments_are_refused(cli, arguments):
    done = cli("metrics", *arguments)

    assert (done.code, done.out) == (2, "")


def test_help_tells_the_port_and_that_nothing_can_be_changed():
    shown = CliRunner().invoke(command, ["--help"]).output

    assert "9876" in shown
    assert "-redis-addr" not in shown
