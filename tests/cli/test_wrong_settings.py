"""A wrong setting of the connection ends a command at once, with exit code 2."""

import os
import subprocess
import sys

import pytest

from pyasynq.cli.main import run
from pyasynq.errors import RedisUnavailableError

APP = """
from pyasynq import App
app = App()
@app.task
def greet(name: str) -> None: ...
"""


@pytest.mark.parametrize(
    "command",
    [
        ["stats"],
        ["task", "enqueue", "-t", "greet"],
        ["worker", "shop:app"],
        ["worker", "shop:app", "--processes", "2"],
        ["dev", "shop:app"],
    ],
    ids=["stats", "enqueue", "worker", "processes", "dev"],
)
@pytest.mark.parametrize(
    ("user", "database", "remedy"),
    [
        (":pssst@", "0", "this redis has no password; leave it out of the URL"),
        ("", "99", "this redis does not have that database"),
    ],
    ids=["password", "database"],
)
def test_a_command_tells_a_wrong_setting_at_once_with_exit_code_2(
    command, user, database, remedy, redis_server, tmp_path
):
    (tmp_path / "shop.py").write_text(APP)
    url = f"redis://{user}127.0.0.1:{redis_server.port}/{database}"

    done = subprocess.run(
        [sys.executable, "-m", "pyasynq", *command],
        env={**os.environ, "PYASYNQ_REDIS_URL": url},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 2
    assert f"Error: {remedy}" in done.stderr
    assert "Is Redis running there?" not in done.stderr
    assert "pssst" not in done.stderr


def test_a_worker_that_no_replica_can_be_waited_for_ends_at_once_with_exit_code_2(
    redis_server, tmp_path
):
    (tmp_path / "shop.py").write_text(APP)
    url = f"{redis_server.tcp_url}?durability=replicated"

    done = subprocess.run(
        [sys.executable, "-m", "pyasynq", "worker", "shop:app", "--redis-url", url],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 2
    assert "Error: add a replica, or leave durability=replicated out of the URL" in done.stderr


@pytest.mark.needs("redis-server", "openssl")
@pytest.mark.parametrize("command", [["stats"], ["worker", "shop:app"]], ids=["stats", "worker"])
@pytest.mark.parametrize(
    ("scheme", "remedy"),
    [
        ("redis", "what answers there speaks TLS; use rediss:// in place of redis://"),
        ("rediss", "this redis wants a certificate of yours that it trusts (cert_file=…"),
    ],
)
def test_tls_that_does_not_fit_is_told_at_once_with_exit_code_2(
    command, scheme, remedy, tls_server, certificates, tmp_path
):
    (tmp_path / "shop.py").write_text(APP)
    query = f"?ca_file={certificates.authority}" if scheme == "rediss" else ""
    url = f"{scheme}://127.0.0.1:{tls_server.tls_port}/0{query}"

    done = subprocess.run(
        [sys.executable, "-m", "pyasynq", *command, "--redis-url", url],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 2
    assert f"Error: {remedy}" in done.stderr


def test_advice_that_fits_the_error_is_not_replaced_by_the_question_whether_redis_runs(capsys):
    advice = "this server is a replica: name its master"

    def command():
        raise RedisUnavailableError("redis is not available: READONLY", hint=advice)

    assert run(command) == 69
    assert capsys.readouterr().err == f"Error: redis is not available: READONLY; {advice}\n"
