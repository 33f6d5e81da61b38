"""``manage.py pyasynq``, and the command line in a project of Django."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.core import checks
from django.core.management import CommandError, call_command

from pyasynq.contrib.django.management.commands.pyasynq import Command
from tests.support import django_project
from tests.support.django_shop.models import Order
from tests.support.django_shop.tasks import confirm
from tests.support.eventually import eventually


@pytest.fixture
def start(monkeypatch):
    """Starts a program in the project."""
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", django_project.SETTINGS)
    monkeypatch.setenv("PYTHONPATH", str(Path.cwd()))
    started = []

    def start(*command):
        process = subprocess.Popen([sys.executable, *command], stderr=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for each in started:
        if each.poll() is None:
            each.terminate()
            each.communicate()


def confirmed():
    return Order.objects.filter(is_confirmed=True).count()


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ["-m", "django", "pyasynq", "worker"],
        pytest.param(["-m", "pyasynq", "worker"], marks=pytest.mark.long),
        pytest.param(
            ["-m", "pyasynq", "worker", "pyasynq.contrib.django:app", "--processes", "2"],
            marks=pytest.mark.long,
        ),
        pytest.param(
            ["-m", "django", "pyasynq", "worker", "--processes", "2"], marks=pytest.mark.long
        ),
        pytest.param(
            ["-m", "pyasynq", "worker", "tests.support.django_shop.tasks:app"],
            marks=pytest.mark.long,
        ),
    ],
    ids=" ".join,
)
def test_a_worker_needs_no_file_of_its_own(on_redis, start, command):
    order = Order.objects.create(item="tea")
    confirm.enqueue(order.pk)

    worker = start(*command)
    eventually(lambda: confirmed() == 1, within_s=60)
    worker.terminate()
    _out, errors = worker.communicate()

    assert worker.returncode == 0, errors


def test_other_commands_ask_the_redis_of_the_project(on_redis, capsys):
    confirm.enqueue(1)

    call_command("pyasynq", "queue", "ls")

    assert capsys.readouterr().out.split() == ["default"]


def test_a_command_that_fails_is_an_error_with_its_exit_code(on_redis):
    with pytest.raises(CommandError, match="exit code 3") as raised:
        call_command("pyasynq", "task", "inspect", "-q", "default", "--id", "none")

    assert raised.value.returncode == 3


def test_a_worker_does_not_start_if_the_checks_find_an_error(on_redis, monkeypatch, capsys):
    error = checks.Error("a task cannot run", id="pyasynq.E001")
    monkeypatch.setattr(checks, "run_checks", lambda **_given: [error])

    with pytest.raises(SystemExit) as ended:
        Command().run_from_argv(["manage.py", "pyasynq", "worker"])

    assert ended.value.code == 1
    assert "(pyasynq.E001) a task cannot run" in capsys.readouterr().err


def test_the_help_is_that_of_the_command_line(capsys):
    with pytest.raises(SystemExit):
        Command().print_help("manage.py", "pyasynq")

    shown = capsys.readouterr().out
    assert shown.startswith("Usage: manage.py pyasynq [OPTIONS]")
    assert "worker" in shown
