"""``pyasynq worker --http``: probes and the web UI on the port of a worker."""

import os
import re
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

import pyasynq.cli.web_options
from pyasynq import App, ServeMux
from pyasynq.app.worker import AppWorker
from pyasynq.cli import worker_health
from pyasynq.cli.http_address import Address, AddressType
from pyasynq.cli.http_port import HttpPort, opened
from pyasynq.cli.worker_health import WorkerHealth
from pyasynq.cli.worker_metrics import WorkerMeasured
from pyasynq.client import Client
from pyasynq.lifecycle.listening import listener_on
from pyasynq.task import Task
from pyasynq.web import hash_password
from tests.support.eventually import eventually
from tests.support.ports import free_port

STOPS_WITHIN_S = 10  # only a stop that waits for what never ends takes longer

APP = """
import redis, os
from pyasynq import App
app = App(shutdown_timeout=60)
notes = redis.Redis(unix_socket_path=os.environ["TEST_REDIS"])
@app.task
def hold() -> None:
    notes.rpush("held", "yes")
    notes.blpop("go")
"""


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8080", ("127.0.0.1", 8080)),
        ("localhost:80", ("localhost", 80)),
        (":8080", ("", 8080)),
        ("[::1]:8080", ("::1", 8080)),
        ("[::]:65535", ("::", 65535)),
    ],
)
def test_an_address_is_a_host_and_a_port(text, address):
    assert AddressType().convert(text, None, None) == Address(*address)


@pytest.mark.parametrize(
    "text", ["8080", "localhost", "::1:8080", "host:", "host:http", "host:65536", "host:²", ""]
)
def test_what_is_no_address_is_refused_and_the_error_says_how_to_write_it(cli, text):
    done = cli("worker", "shop:app", "--http", text)

    assert (done.code, done.out) == (2, "")
    assert "write HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080, or :8080" in done.err


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["--ui"], "--ui needs --http, which says where"),
        (["--http", ":0", "--ui"], "everybody who reaches this machine could read and change"),
        (["--http", "0.0.0.0:0", "--ui"], "everybody who reaches 0.0.0.0 could read and change"),
        (["--http", "127.0.0.1:0", "--ui", "--root-path", "x"], "root_path must begin with a"),
        (["--http", "127.0.0.1:0", "--ui", "--auth-file", "/nowhere"], "cannot be read"),
        (["--http", "203.0.113.7:0"], "cannot listen on 203.0.113.7:0"),
        (["--http", "no.such.host.invalid:0"], "cannot listen on no.such.host.invalid:0"),
    ],
)
@pytest.mark.parametrize("processes", ["1", "2"])
def test_what_is_wrong_is_told_before_the_app_is_loaded(cli, arguments, fault, processes):
    done = cli("worker", "nowhere:app", "--processes", processes, *arguments)

    assert (done.code, done.out) == (2, "")
    assert fault in done.err


def test_a_port_that_is_taken_is_told_before_the_app_is_loaded(cli):
    with socket.create_server(("127.0.0.1", free_port())) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        done = cli("worker", "nowhere:app", "--http", address)

    assert done.code == 2
    assert f"cannot listen on {address}: address already in use" in done.err


def test_a_port_that_nobody_has_named_may_be_another_one_if_it_is_taken():
    with socket.create_server(("127.0.0.1", free_port())) as other:
        taken = other.getsockname()[1]
        with opened(
            Address("127.0.0.1", taken), {"ui": False, "root_path": ""}, may_move=True
        ) as port:
            moved = port.listener.getsockname()[1]

    assert moved != taken
    assert port.url == f"http://127.0.0.1:{moved}/"


def test_without_the_extra_the_error_says_how_to_install_it(cli, monkeypatch):
    monkeypatch.setattr(pyasynq.cli.web_options, "find_spec", lambda _name: None)

    done = cli("worker", "nowhere:app", "--http", ":0")

    assert done.code == 1
    assert "--http needs the extra 'web'; `pip install 'pyasynq[web]'` brings it" in done.err


def test_an_empty_host_is_every_address_by_ipv4_and_ipv6():
    with listener_on("", free_port()) as listener:
        port = listener.getsockname()[1]
        hosts = ["127.0.0.1", *(["::1"] if listener.family == socket.AF_INET6 else [])]
        for host in hosts:
            socket.create_connection((host, port), timeout=5).close()


@pytest.fixture
async def served(redis_url):
    """A worker on the loop of the test, and the port beside it; returns both, and its URL."""
    app = App(redis_url, heartbeat_interval=0.2, lease_duration=1, cancel_grace=0.2)
    worker = AppWorker(app.server(), ServeMux(), None)
    health = WorkerHealth()
    measured = WorkerMeasured()
    for each in (health, measured):
        each.watch(worker)
    health.take_over()
    with listener_on("127.0.0.1", free_port()) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        port = HttpPort(listener=listener, url=url, root_path="", ui={})
        with port.serving(health, lambda: app.source, measured):
            yield worker, url


def asked(url, **given):
    return httpx.get(url, timeout=30, **given)


def is_answered(url, code, **given):
    """Whether the status of an answer is that; on a busy machine, in the end."""
    eventually(lambda: asked(url, **given).status_code == code, within_s=60)
    return True


async def status(url):
    async with httpx.AsyncClient() as client:
        return (await client.get(url, timeout=30)).status_code


async def test_the_worker_is_ready_between_its_start_and_its_stop(served, monkeypatch):
    monkeypatch.setattr(worker_health, "SIGN_S", 30)  # a busy machine is not what this is about
    worker, url = served
    seen = [(await status(f"{url}healthz"), await status(f"{url}readyz"))]

    async with worker.running():
        seen.append((await status(f"{url}healthz"), await status(f"{url}readyz")))
        worker.stop()
        seen.append((await status(f"{url}healthz"), await status(f"{url}readyz")))

    assert seen == [(200, 503), (200, 200), (200, 503)]


async def test_the_port_answers_while_a_handler_blocks_the_loop(served):
    worker, url = served
    paths = ("healthz", "readyz", "api/queues")

    async with worker.running():
        with ThreadPoolExecutor() as threads:  # blocks the loop until all have their answers
            alive, ready, queues = threads.map(lambda path: asked(url + path), paths)

    assert [each.status_code for each in (alive, ready, queues)] == [200, 503, 200]
    assert "its event loop does not turn" in ready.text


@pytest.fixture
def start(tmp_path, redis_url):
    """Starts a worker with a port; returns the process and the URL that it has logged."""
    (tmp_path / "shop.py").write_text(APP)
    started = []

    def run(*arguments, **environment):
        path = redis_url.removeprefix("unix://").partition("?")[0]
        log = tmp_path / "log"
        with log.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, "-m", "pyasynq", "worker", "shop:app", *arguments],
                cwd=tmp_path,
                env={
                    **os.environ,
                    "PYASYNQ_REDIS_URL": redis_url,
                    "TEST_REDIS": path,
                    **environment,
                },
                stderr=file,
            )
        started.append(process)
        eventually(lambda: re.search(r"http://\S+:\d+/", log.read_text()))
        url = re.search(r"http://\S+:\d+/", log.read_text())[0]
        url = url.replace("0.0.0.0", "127.0.0.1")
        is_answered(f"{url}readyz", 200)
        return process, url

    yield run
    for process in started:
        process.kill()
        process.wait()


def queues_at(url, **given):
    return asked(f"{url}api/queues", **given).status_code


@pytest.mark.slow
def test_while_tasks_finish_it_is_not_ready_and_no_visitor_keeps_the_process(
    start, redis_url, redis_client
):
    process, url = start("--http", "127.0.0.1:0", "--ui")
    port = int(url.rsplit(":", 1)[1].rstrip("/"))
    with Client(redis_url) as client:
        client.enqueue(Task("hold"))
    eventually(lambda: redis_client.llen("held") == 1)
    visitors = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
    visitors[1].sendall(b"GET /readyz HTT")
    visitors[2].sendall(
        b"POST /api/queues/default:pause HTTP/1.1\r\nHost: localhost\r\n"
        b"Sec-Fetch-Site: same-origin\r\nContent-Length: 99\r\n\r\n{"
    )
    before = is_answered(f"{url}readyz", 200)

    process.send_signal(signal.SIGTERM)
    eventually(lambda: "it shuts down" in asked(f"{url}readyz").text)
    stopping = is_answered(f"{url}readyz", 503), is_answered(f"{url}healthz", 200)
    page = queues_at(url)
    redis_client.rpush("go", "go")
    code = process.wait(STOPS_WITHIN_S)
    for each in visitors:
        each.close()

    assert before
    assert all(stopping)
    assert (page, code) == (200, 0)


@pytest.mark.long
def test_other_machines_see_the_probes_and_log_in_for_the_web_ui(start, tmp_path):
    users = tmp_path / "users"
    users.write_text(f"ann:{hash_password('right')}:read\n")
    _, url = start("--ui", PYASYNQ_HTTP=":0", PYASYNQ_WEB_AUTH_FILE=str(users))

    pause = httpx.post(
        f"{url}api/queues/default:pause",
        timeout=30,
        auth=("ann", "right"),
        headers={"Sec-Fetch-Site": "same-origin"},
    )

    assert is_answered(f"{url}healthz", 200)
    assert (queues_at(url), queues_at(url, auth=("ann", "right"))) == (401, 200)
    assert pause.status_code == 403


@pytest.mark.slow
def test_settings_of_the_project_say_where_the_port_is(start, tmp_path):
    port = free_port()
    (tmp_path / "pyproject.toml").write_text(
        f'[tool.pyasynq]\nhttp = "127.0.0.1:{port}"\nui = true\n'
    )

    _, url = start()

    assert url == f"http://127.0.0.1:{port}/"
    assert queues_at(url) == 200
    assert queues_at(url, headers={"Host": "evil.example"}) == 403
    assert is_answered(f"{url}readyz", 200, headers={"Host": "10.1.2.3:8080"})  # as a kubelet asks
