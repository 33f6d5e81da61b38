"""Units of systemd: they start commands that exist, stop in time, and may do little."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pyasynq.cli.scheduler import command as scheduler
from pyasynq.cli.web import command as web
from pyasynq.cli.worker import command as worker
from pyasynq.worker.config import ServerConfig
from tests.deploy.test_container import check_command
from tests.support.deployed import DEPLOY, GUIDES

FOLDER = DEPLOY / "systemd"
FILES = sorted(FOLDER.glob("pyasynq-*@.service"))
UNITS = {path.stem.removeprefix("pyasynq-").rstrip("@"): path.read_text() for path in FILES}
NAMES = [*UNITS]
PROGRAM = "/opt/%i/.venv/bin/pyasynq"
MOST_EXPOSED = 20  # of 100, as systemd-analyze rates it
ANALYZE = shutil.which("systemd-analyze")


def value(name: str, key: str) -> str:
    (found,) = re.findall(rf"^{key}=(.*)$", UNITS[name], re.MULTILINE)
    return found


def lines_about_rights(name: str) -> list[str]:
    return UNITS[name].partition("DynamicUser=")[2].splitlines()


def test_there_are_the_units_that_are_looked_for():
    assert NAMES == ["scheduler", "web", "worker"]


@pytest.mark.parametrize("name", NAMES)
def test_what_a_unit_starts_is_a_command(name, monkeypatch):
    program, *words = value(name, "ExecStart").split()

    assert program == PROGRAM
    assert words[0] == name
    if name != "web":  # which needs no App
        monkeypatch.setenv("PYASYNQ_APP", "shop.tasks:app")
    check_command(["pyasynq", *words])


@pytest.mark.parametrize("name", NAMES)
def test_a_unit_has_time_for_the_longest_stop(name):
    config = ServerConfig()
    longest_s = config.shutdown_timeout + config.cancel_grace + 5 + 2

    assert int(value(name, "TimeoutStopSec")) >= longest_s
    assert value(name, "KillSignal") == "SIGTERM"


def test_only_the_main_process_of_workers_is_told_to_stop():
    assert value("worker", "KillMode") == "mixed"


@pytest.mark.parametrize("name", NAMES)
def test_a_unit_is_started_again_unless_a_setting_is_wrong(name):
    assert value(name, "Restart") == "always"
    assert value(name, "RestartPreventExitStatus") == "2"
    assert value(name, "StartLimitIntervalSec") == "0"


def test_all_units_have_the_same_rights():
    rights = [lines_about_rights(name) for name in NAMES]

    assert rights[0] == rights[1] == rights[2]
    assert {"NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet="} <= {*rights[0]}


def test_the_example_sets_variables_that_are_read():
    text = (FOLDER / "example.env").read_text()
    options = [*worker.params, *scheduler.params, *web.params]
    read = {name for option in options for name in [*(option.envvar or ())]}
    read |= {option.envvar for option in options if isinstance(option.envvar, str)}

    assert {*re.findall(r"^(\w+)=", text, re.MULTILINE)} - read == {"PYASYNQ_REDIS_URL"}


def test_the_guide_names_every_file():
    text = (GUIDES / "systemd.md").read_text()

    assert [each.name for each in FOLDER.iterdir() if each.name not in text] == []


@pytest.mark.long
@pytest.mark.skipif(ANALYZE is None, reason="systemd-analyze is absent")
@pytest.mark.parametrize("name", NAMES)
def test_systemd_finds_nothing_and_rates_the_rights_well(name, tmp_path):
    unit = tmp_path / f"pyasynq-{name}@shop.service"
    unit.write_text(UNITS[name].replace(PROGRAM, str(Path(sys.executable).parent / "pyasynq")))
    rated = ["security", "--offline=true", f"--threshold={MOST_EXPOSED}"]

    for arguments in (["verify"], rated):
        done = subprocess.run(
            [str(ANALYZE), *arguments, str(unit)], capture_output=True, text=True, check=False
        )

        assert (done.returncode, done.stderr) == (0, "")
