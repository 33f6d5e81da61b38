"""`pyasynq web` serves on this machine, asks for a login elsewhere, and stops at once."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

import pyasynq.web
from pyasynq.cli import web
from pyasynq.web import hash_password
from pyasynq.web.access.user_file import read_users
from tests.support.ports import free_port
from tests.support.stored_tasks import store

SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
STOPS_WITHIN_S = 10  # only a stop that waits for what never ends takes longer


@pytest.fixture
def start(redis_url):
    """Starts the command; returns the process and the address that it printed."""
    started = []

    def run(*arguments, **environment):
        process = subprocess.Popen(
            [sys.executable, "-m", "pyasynq", "web", "--port", "0", *arguments],
            env={**os.environ, "PYASYNQ_REDIS_URL": redis_url, **environment},
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        line = process.stderr.readline()
        return process, re.search(r"http://\S+:(\d+)/", line)[0].replace("0.0.0.0", "127.0.0.1")

    yield run
    for process in started:
        process.kill()
        process.wait()
        process.stderr.close()


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.long)]
)
def test_it_serves_and_stops_at_once_although_requests_are_open(
    start, redis_client, redis_server, number
):
    store(redis_client, "pending", "a")
    process, url = start()
    port = int(url.rsplit(":", 1)[1].rstrip("/"))

    queues = httpx.get(f"{url}api/queues").json()["queues"]
    half = socket.create_connection(("127.0.0.1", port))
    half.sendall(
        b"POST /api/queues/mail/retry_tasks:batch_run HTTP/1.1\r\nHost: localhost\r\n"
        b"Sec-Fetch-Site: same-origin\r\nContent-Length: 99\r\n\r\n{"
    )
    os.kill(redis_server.pid, signal.SIGSTOP)
    try:
        waiting = socket.create_connection(("127.0.0.1", port))
        waiting.sendall(b"GET /api/queues HTTP/1.1\r\nHost: localhost\r\n\r\n")
        alive = httpx.get(f"{url}healthz").status_code
        began = time.monotonic()
        process.send_signal(number)
        code = process.wait(STOPS_WITHIN_S)
        print(f"stopped after {time.monotonic() - began:.1f} s")
    finally:
        os.kill(redis_server.pid, signal.SIGCONT)
        half.close()
        waiting.close()

    assert [each["queue"] for each in queues] == ["mail"]
    assert (alive, code) == (200, 0)
    assert "Traceback" not in process.stderr.read()


def test_pages_that_listen_do_not_keep_it_from_stopping(start, redis_client):
    process, url = start()

    with httpx.stream("GET", f"{url}api/x/events") as answer:
        lines = answer.iter_lines()
        first = next(lines)
        process.send_signal(signal.SIGTERM)
        rest = list(lines)  # nobody has cut it: it has come to its end

    assert (first, rest[-1]) == ("retry: 1000", "")
    assert process.wait(STOPS_WITHIN_S) == 0


def test_a_page_of_another_site_that_means_this_machine_reads_nothing(start):
    _, url = start()

    answers = [
        httpx.get(f"{url}api/queues", headers={"Host": host}).status_code
        for host in ("localhost:8080", "127.0.0.1", "[::1]", "evil.example")
    ]

    assert answers == [200, 200, 200, 403]


def test_users_of_a_file_log_in_with_their_roles(start, tmp_path):
    users = tmp_path / "users"
    users.write_text(
        f"# who may come\n\nann:{hash_password('right')}\nbob:{hash_password('other')}:read\n"
    )
    process, url = start("--host", "0.0.0.0", "--auth-file", str(users), PORT="1")
    pause = f"{url}api/queues/mail:pause"

    answers = [
        httpx.post(pause, headers=SAME_ORIGIN, auth=login).status_code
        for login in (None, ("ann", "wrong"), ("bob", "other"), ("ann", "right"))
    ]

    assert answers == [401, 401, 403, 404]
    arguments = Path(f"/proc/{process.pid}/cmdline")
    assert not arguments.exists() or b"right" not in arguments.read_bytes()


def test_environment_variables_of_asynqmon_are_read(start, redis_client):
    store(redis_client, "pending", "a", payload=b"1234567890")
    _, url = start(READ_ONLY="true", MAX_PAYLOAD_LENGTH="3", PYASYNQ_WEB_ROOT_PATH="/tasks/")

    task = httpx.get(f"{url}api/queues/mail/tasks/a").json()
    pause = httpx.post(f"{url}api/queues/mail:pause", headers=SAME_ORIGIN)

    assert task["payload"] == "123…"
    assert pause.status_code == 405
    assert 'data-root="/tasks"' in httpx.get(url).text


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({}, None),
        ({"REDIS_URL": "redis://a/1", "REDIS_ADDR": "b:1"}, "redis://a/1"),
        (
            {"REDIS_ADDR": "b:1", "REDIS_PASSWORD": "p/w", "REDIS_DB": "2"},
            "redis://:p%2Fw@b:1/2",
        ),
        ({"REDIS_CLUSTER_NODES": "a:1,b:2", "REDIS_DB": "2"}, "redis-cluster://a:1,b:2/0"),
        ({"PYASYNQ_REDIS_URL": "redis://ours", "REDIS_URL": "redis://a/1"}, None),
    ],
)
def test_redis_may_be_named_as_for_asynqmon(monkeypatch, variables, url):
    monkeypatch.delenv("PYASYNQ_REDIS_URL", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert web._named_as_for_asynqmon() == url


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_other_machines_come_in_only_with_a_login_or_if_that_is_said(cli, host):
    done = cli("web", "--host", host, "--port", "0")

    assert done.code == 2
    assert f"everybody who reaches {host} could read and change everything" in done.err


def test_the_line_of_a_user_is_made_without_the_password_in_arguments(cli, tmp_path):
    done = cli("web", "--hash-password", "ann", stdin="right\n")

    (tmp_path / "users").write_text(done.out)
    assert done.code == 0
    assert done.out.startswith("ann:scrypt$")
    assert list(read_users(str(tmp_path / "users")).hashes) == ["ann"]


@pytest.mark.parametrize(
    ("arguments", "text", "fault"),
    [
        (["--auth-file", "{}"], "ann:hunter2", "the password of 'ann' is not a hash"),
        (["--auth-file", "{}"], "ann", "write name:hash"),
        (["--auth-file", "{}"], "", "there is no user in"),
        (["--auth-file", "{}/nowhere"], "", "cannot be read"),
        (["--proxy-header", "X-User"], "", "--proxy-header and --trusted-proxy belong together"),
        (["--trusted-proxy", "127.0.0.1"], "", "belong together"),
        (["--proxy-header", "X", "--trusted-proxy", "here"], "", "'here' is not an address"),
        (["--root-path", "tasks"], "", "root_path must begin with a slash"),
        (["--prometheus-addr", "here"], "", "prometheus_url must be a URL"),
        (["--host", "203.0.113.7"], "", "cannot listen on 203.0.113.7:0"),
        (["--hash-password", "a:b"], "", "a name without a colon"),
        (["--hash-password", "ann"], "", "a password must be text that is not empty"),
    ],
)
def test_what_is_wrong_is_told_before_anybody_is_served(cli, tmp_path, arguments, text, fault):
    users = tmp_path / "users"
    users.write_text(text)

    done = cli("web", "--port", "0", *(each.format(users) for each in arguments))

    assert (done.code, done.out) == (2, "")
    assert fault in done.err
    assert "hunter2" not in done.err


def test_a_port_that_is_taken_is_told(cli):
    with socket.create_server(("127.0.0.1", free_port())) as other:
        port = other.getsockname()[1]
        done = cli("web", "--port", str(port))

    assert done.code == 2
    assert f"cannot listen on 127.0.0.1:{port}: address already in use" in done.err


def test_without_the_extra_the_error_says_how_to_install_it(cli, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)

    done = cli("web")

    assert (done.code, done.out) == (1, "")
    assert "`pip install 'pyasynq[web]'` brings it" in done.err


def test_without_starlette_the_import_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(pyasynq.web, "find_spec", lambda _name: None)
    monkeypatch.delitem(vars(pyasynq.web), "create_app", raising=False)

    with pytest.raises(ImportError, match=r"run pip install 'pyasynq\[web\]'"):
        pyasynq.web.create_app  # noqa: B018 - what is refused
