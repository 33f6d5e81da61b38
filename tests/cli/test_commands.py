"""The command line as a user meets it: output, exit codes, errors."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pyasynq.client import Client
from pyasynq.inspector import Inspector
from pyasynq.task import Task
from pyasynq.version import __version__
from tests.support.eventually import eventually

APP = """
from pyasynq import App
app = App()
@app.task("greet")
def greet(name: str) -> None:
    open("greeted", "a").write(name)
not_an_app = 5
"""


@pytest.fixture
def folder(tmp_path):
    """A folder with an App, and with a module that cannot be loaded."""
    (tmp_path / "shop.py").write_text(APP)
    (tmp_path / "broken.py").write_text("import nowhere_to_be_found\n")
    return tmp_path


@pytest.fixture
def pyasynq(redis_url, folder):
    """Runs the command there, in a process of its own."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pyasynq", *arguments],
            env={**os.environ, "PYASYNQ_REDIS_URL": redis_url},
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


def test_without_arguments_it_names_the_commands_one_needs_first(pyasynq):
    done = pyasynq()

    assert done.returncode == 0
    assert [line.split()[1] for line in done.stdout.splitlines() if line.startswith("  ")] == [
        "dev",
        "worker",
        "stats",
        "task",
    ]


def test_the_version_is_that_of_the_package(pyasynq):
    assert pyasynq("--version").stdout == f"pyasynq {__version__}\n"


def test_enqueue_says_where_the_task_went(pyasynq, redis_client):
    done = pyasynq(
        "task", "enqueue", "-t", "greet", "-l", '{"name":"é"}', "-q", "mail", "--id", "a"
    )

    assert (done.returncode, done.stdout) == (0, "Enqueued task a to queue mail\n")
    assert redis_client.lrange("asynq:{mail}:pending", 0, -1) == [b"a"]


def test_enqueue_takes_every_option(cli):
    done = cli(
        *("task", "enqueue", "--type_name", "greet", "--retry", "3", "--timeout", "1m30s"),
        *("--deadline", "2033-05-18T03:33:20Z", "--unique", "1h", "--process_in", "90"),
        *("--retention", "24h", "--header", "a=b=c", "--header", "k=v", "-o", "json"),
    )

    assert done.code == 0, done.err
    info = json.loads(done.out)
    assert (info["state"], info["max_retry"], info["timeout"]) == ("scheduled", 3, 90.0)
    assert (info["deadline"], info["retention"]) == ("2033-05-18T03:33:20Z", 86400.0)
    assert info["headers"] == {"a": "b=c", "k": "v"}


def test_a_conflict_is_exit_code_4(cli):
    cli("task", "enqueue", "-t", "greet", "--id", "a")

    done = cli("task", "enqueue", "-t", "greet", "--id", "a")

    assert (done.code, done.out) == (4, "")
    assert done.err == (
        "Error: task 'a' is already in queue 'default' (state 'pending'); "
        "delete it first or choose another task_id\n"
    )


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["nonsense"], "No such command 'nonsense'"),
        (["stat"], "Did you mean 'stats'?"),
        (["task", "enqueue"], "Missing option '-t'"),
        (["task", "enqueue", "-t", "greet", "--timeout", "soon"], "'soon' is not a duration"),
        (["task", "enqueue", "-t", "greet", "--deadline", "2033-05-18"], "has no time zone"),
        (["task", "enqueue", "-t", "greet", "--header", "k"], "write it as name=value"),
        (["task", "enqueue", "-t", " "], "task type must not be blank"),
        (["task", "enqueue", "-t", "greet", "--retry", "-1"], "max_retry must be from 0"),
        (["stats", "--redis-url", "redsi://localhost"], "did you mean redis:"),
    ],
)
def test_wrong_usage_is_exit_code_2_and_says_what_is_wrong(cli, arguments, hint):
    done = cli(*arguments)

    assert (done.code, done.out) == (2, "")
    assert hint in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["worker", "shop"], "name the App as module:name"),
        (["worker", "shpo:app"], "there is no module 'shpo'"),
        (["worker", "shop:ap"], "did you mean shop:app?"),
        (["worker", "shop:not_an_app"], "shop:not_an_app is of type int, not an App"),
        (["worker", "broken:app"], "imports 'nowhere_to_be_found', which is not installed"),
        (["worker", "shop:app", "-q", "mail=high"], "'high' is not a whole number"),
        (["worker", "shop:app", "-c", "0"], "concurrency must be a whole number from 1"),
    ],
)
def test_an_app_that_is_not_there_or_wrong_settings_are_wrong_usage(
    cli_in, folder, arguments, hint
):
    done = cli_in(folder, *arguments)

    assert (done.code, done.out) == (2, "")
    assert hint in done.err
    assert "Traceback" not in done.err


@pytest.mark.usefixtures("impatient")
def test_an_unreachable_redis_is_exit_code_69_with_a_hint(cli, tmp_path):
    done = cli("stats", "--redis-url", f"unix://{tmp_path}/nobody.sock")

    assert (done.code, done.out) == (69, "")
    assert "redis is not available" in done.err
    assert "Is Redis running there?" in done.err


@pytest.mark.usefixtures("impatient")
def test_a_password_never_shows(cli):
    done = cli("stats", "--redis-url", "redis://user:hunter2@127.0.0.1:1/0")

    assert done.code == 69
    assert "hunter2" not in done.out + done.err


def test_stats_shows_queues_and_states(cli, redis_url):
    with Client(redis_url) as client:
        client.enqueue(Task("greet"), queue="mail")
        client.enqueue(Task("greet"), queue="mail", process_in=60)

    done = cli("stats")

    assert done.code == 0
    rows = [line.split() for line in done.out.splitlines()]
    assert ["0", "1", "0", "1", "0", "0", "0"] in rows
    assert any(row[:5] == ["mail", "0", "1", "0", "1"] for row in rows if row)


def test_stats_says_where_failures_are_shown_if_there_may_be_some(cli, redis_url):
    with Client(redis_url) as client, Inspector(redis_url) as inspector:
        info = client.enqueue(Task("greet"), queue="mail")
        before = cli("stats").err
        inspector.tasks.archive("mail", info.id)

    assert before == ""
    assert "`pyasynq task errors` shows why" in cli("stats").err
    assert cli("stats", "-o", "json").err == ""


def test_stats_has_forms_for_programs(cli, redis_url):
    with Client(redis_url) as client:
        client.enqueue(Task("greet"), queue="mail")

    document = json.loads(cli("stats", "-o", "json").out)
    (line,) = cli("stats", "-o", "jsonl").out.splitlines()
    (row,) = csv.DictReader(io.StringIO(cli("stats", "-o", "csv").out))

    assert document["aggregate"]["pending"] == 1
    assert "redis_version" in document["redis"]
    assert json.loads(line)["queue"] == "mail"
    assert (row["queue"], row["pending"], row["size"]) == ("mail", "1", "1")


@pytest.mark.parametrize("form", ["json", "jsonl", "csv", "table"])
@pytest.mark.parametrize("name", [b"", b"\x1c", b"ol\xe9", b"q" * 10_241, b"\x1b[2J"])
def test_stats_show_every_queue_whatever_one_is_called_and_holds(
    cli, redis_url, redis_client, name, form
):
    with Client(redis_url) as client:
        client.enqueue(Task("greet"), queue="mail")
    redis_client.sadd("asynq:queues", name, "broken")
    redis_client.set("asynq:{broken}:pending", "of another type")

    done = cli("stats", "-o", form)

    assert done.code == 0
    assert "mail" in done.out
    assert "\x1b" not in done.out or form == "csv"
    (broken,) = (line for line in done.err.splitlines() if "'broken'" in line)
    assert "asynq:{broken}:pending" in broken


@pytest.mark.parametrize("form", ["json", "jsonl", "csv", "table"])
def test_stats_of_an_empty_redis_are_not_an_error(cli, form):
    assert cli("stats", "-o", form).code == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_runs_tasks_until_a_signal_and_exits_with_0(
    pyasynq, number, redis_url, tmp_path: Path
):
    worker = subprocess.Popen(
        [sys.executable, "-m", "pyasynq", "worker", "shop:app", "--redis-url", redis_url],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )
    pyasynq("task", "enqueue", "-t", "greet", "-l", '{"name":"Ann"}')
    eventually((tmp_path / "greeted").exists)

    worker.send_signal(number)
    _output, log = worker.communicate(timeout=20)

    assert worker.returncode == 0
    assert (tmp_path / "greeted").read_text() == "Ann"
    assert "serves default=1 with concurrency 10" in log
    assert "Traceback" not in log


def test_the_worker_takes_its_settings_from_flag_environment_and_project(redis_url, tmp_path):
    (tmp_path / "shop.py").write_text(APP)
    (tmp_path / "pyproject.toml").write_text(
        '[tool.pyasynq]\napp = "shop:app"\nconcurrency = 7\nqueues = "a=1"\n'
    )
    environment = {**os.environ, "PYASYNQ_REDIS_URL": redis_url, "PYASYNQ_QUEUES": "b=2"}
    command = [sys.executable, "-m", "pyasynq", "worker", "--strict-priority"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    ) as worker:
        first_line = worker.stderr.readline()
        worker.terminate()
        worker.stderr.read()

    assert "serves b=2 with concurrency 7" in first_line


def test_help_comes_whatever_the_settings_of_the_project_are(pyasynq, tmp_path):
    (tmp_path / "pyproject.toml").write_text("[tool.pyasynq]\nconcurrency = 'many'\n")

    helped = pyasynq("--help")
    failed = pyasynq("worker")

    assert helped.returncode == 0
    assert "Commands:" in helped.stdout
    assert failed.returncode == 2
    assert "concurrency must be a whole number" in failed.stderr


OWN_LOG = """
import logging
from pyasynq import App

{setup}
app = App(task_check_interval=0.01)

@app.task
def greet(name: str) -> None:
    logging.getLogger("shop").debug("hello %s", name)
    open("greeted", "a").write(name)
"""
OF_ROOT = 'logging.basicConfig(level="DEBUG", format="MINE %(name)s %(message)s")'
OF_ANOTHER = 'logging.getLogger("shop").setLevel("DEBUG")'
COMMANDS = {
    "worker": ["worker"],
    "processes": ["worker", "--processes", "2"],
    "dev": ["dev", "--no-reload", "--no-ui"],
}


def log_of(folder, redis_url, setup, *command):
    """Run one task, stop, and return what was logged."""
    (folder / "shop.py").write_text(OWN_LOG.format(setup=setup))
    with Client(redis_url) as client:
        client.enqueue(Task("greet", b'{"name":"Ann"}'))
    with subprocess.Popen(
        [sys.executable, "-m", "pyasynq", *command, "shop:app", "--redis-url", redis_url],
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
    ) as worker:
        eventually((folder / "greeted").exists)
        worker.terminate()
        return worker.stderr.read()


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_logging_that_the_application_sets_up_is_respected(redis_url, tmp_path, command):
    log = log_of(tmp_path, redis_url, OF_ROOT, *command)

    assert log.count("MINE shop hello Ann\n") == 1
    assert log.count("hello Ann") == 1
    assert "MINE pyasynq.server server" in log


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_without_handlers_of_the_application_the_command_logs(redis_url, tmp_path, command):
    log = log_of(tmp_path, redis_url, OF_ANOTHER, *command)

    assert re.search(r"DEBUG   shop: hello Ann \[greet\[\w{8}\], attempt 1\]\n", log)
    assert "INFO    pyasynq.server: server" in log


@pytest.mark.slow
@pytest.mark.parametrize("extra", [[], ["--processes", "2"]])
def test_a_level_that_is_asked_for_holds_for_the_application_too(redis_url, tmp_path, extra):
    log = log_of(tmp_path, redis_url, OF_ROOT, "worker", *extra, "--log-level", "WARNING")

    assert "hello Ann" not in log
    assert "MINE" not in log


def served_by(folder, redis_url, *arguments, **environment):
    """Return what a worker says that it serves."""
    with subprocess.Popen(
        [sys.executable, "-m", "pyasynq", "worker", "shop:app", *arguments],
        cwd=folder,
        env={**os.environ, "PYASYNQ_REDIS_URL": redis_url, **environment},
        stderr=subprocess.PIPE,
        text=True,
    ) as worker:
        said = worker.stderr.readline()
        worker.terminate()
        worker.stderr.read()
    return said.partition(" serves ")[2].partition(" with ")[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["-q", "a=2,b"], {}),
        (["-q", "a=2", "-q", "b"], {}),
        (["-q", "a=2, b=1"], {}),
        ([], {"PYASYNQ_QUEUES": "a=2,b"}),
        ([], {"PYASYNQ_QUEUES": "a=2, b"}),
        (["-q", "a=2,b"], {"PYASYNQ_QUEUES": "c", "PYASYNQ_LOG_LEVEL": "INFO"}),
    ],
)
def test_queues_may_be_named_together_or_one_by_one(redis_url, tmp_path, arguments, environment):
    (tmp_path / "shop.py").write_text(APP)

    assert served_by(tmp_path, redis_url, *arguments, **environment) == "a=2, b=1"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-q", "critical:6,default:3"], "write critical=6, not 'critical:6'"),
        (["-q", "a=2", "-q", "a=3"], "queue 'a' is named twice"),
        (["-q", ""], "queues must map at least one name to its priority"),
        (["-q", "=3"], "queue must not be blank"),
    ],
)
def test_queues_of_another_form_are_refused(cli_in, folder, arguments, said):
    done = cli_in(folder, "worker", "shop:app", *arguments)

    assert done.code == 2
    assert said in done.err


def test_stats_in_the_form_of_go_are_json_with_the_time(cli, redis_client):
    redis_client.sadd("asynq:queues", "mail")

    document = json.loads(cli("stats", "--json").out)

    assert document["queues"][0]["queue"] == "mail"
    assert list(document["aggregate"]) == [
        *("active", "pending", "aggregating", "scheduled", "retry", "archived", "completed"),
        *("processed", "failed", "timestamp"),
    ]


def test_stats_of_a_cluster_show_its_state(cli, cluster):
    done = cli("stats", "--redis-url", cluster.url)

    *_others, headings, _dashes, row = done.out.splitlines()
    assert headings.split("  ") == ["state", "known nodes", "cluster size"]
    assert row.split() == ["ok", "3", "3"]
