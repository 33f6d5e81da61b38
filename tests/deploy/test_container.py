"""The image: it may do little, holds no secret, and its commands are commands; with hadolint."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from pyasynq.cli.main import pyasynq
from pyasynq.worker.config import ServerConfig
from tests.support.deployed import DEPLOY, GUIDES, ROOT, documents
from tools import try_extras

FOLDER = DEPLOY / "container"
IMAGE, APP = FOLDER / "Containerfile", FOLDER / "app.Containerfile"
(COMPOSE,) = documents(FOLDER / "compose.yaml")
OURS = {name: each for name, each in COMPOSE["services"].items() if name != "valkey"}
HADOLINT = Path(sys.executable).parent / "hadolint"


def steps(path: Path) -> list[tuple[str, str]]:
    """Return the instructions of a Containerfile, each with what follows it."""
    text = re.sub(r"^#.*\n", "", path.read_text(), flags=re.MULTILINE)
    return re.findall(r"^([A-Z]+) (.*)$", re.sub(r"\s*\\\n\s*", " ", text), re.MULTILINE)


def last(path: Path, name: str) -> str:
    return [rest for each, rest in steps(path) if each == name][-1]


def words_of(step: str) -> list[str]:
    return re.findall(r'"([^"]*)"', step[step.index("[") :])


def check_command(words: list[str]) -> None:
    """Parse a command as the command line does, without running it."""
    assert words[0] == "pyasynq"
    context = pyasynq.make_context("pyasynq", words[1:], resilient_parsing=True)
    _name, command, rest = pyasynq.resolve_command(context, words[1:])
    assert isinstance(command, click.Command)
    command.make_context(command.name, rest, parent=context)


@pytest.mark.parametrize("step", ["CMD", "HEALTHCHECK"])
@pytest.mark.parametrize("path", [IMAGE, APP], ids=lambda path: path.name)
def test_commands_of_an_image_are_commands(path, step):
    found = [rest for each, rest in steps(path) if each == step]

    for each in found:
        check_command(words_of(each))


@pytest.mark.parametrize("name", OURS)
def test_commands_of_the_services_are_commands(name):
    check_command(OURS[name]["command"])


@pytest.mark.parametrize("path", [IMAGE, APP], ids=lambda path: path.name)
def test_an_image_runs_as_the_user_of_the_manifests(path):
    worker = documents(DEPLOY / "kubernetes" / "worker.yaml")[0]["spec"]["template"]["spec"]
    user = worker["securityContext"]

    assert last(path, "USER") == f"{user['runAsUser']}:{user['runAsGroup']}"


@pytest.mark.parametrize("path", [IMAGE, APP], ids=lambda path: path.name)
def test_no_layer_holds_an_address_or_a_password_and_nothing_comes_before_the_arguments(path):
    kept = "\n".join(rest for name, rest in steps(path) if name in {"ARG", "ENV", "RUN", "LABEL"})

    assert re.findall(r"(?i)redis_url|password|token|secret|://", kept) == []
    assert "ENTRYPOINT" not in {name for name, _rest in steps(path)}


def test_what_is_copied_is_all_that_reaches_the_build():
    copied = {
        source
        for name, rest in steps(IMAGE)
        if name == "COPY" and "--from" not in rest
        for source in rest.split()[:-1]
    }
    lines = (FOLDER / "Containerfile.dockerignore").read_text().splitlines()

    assert {line[1:] for line in lines if line.startswith("!")} == copied
    assert all((ROOT / each).exists() for each in copied)
    assert next(line for line in lines if line[:1] not in {"#", "!"}) == "*"


def test_the_extras_of_an_image_serve_its_port():
    (extras,) = (rest.partition("=")[2] for _name, rest in steps(IMAGE) if "EXTRAS=" in rest)

    assert {*extras.split(",")} <= {*try_extras.extras()}
    assert "web" in extras.split(",")


def test_services_may_do_little_and_have_time_for_the_longest_stop():
    config = ServerConfig()
    longest_s = config.shutdown_timeout + config.cancel_grace + 5 + 2

    for service in OURS.values():
        assert service["read_only"]
        assert service["tmpfs"] == ["/tmp"]
        assert service["cap_drop"] == ["ALL"]
        assert int(service["stop_grace_period"].removesuffix("s")) >= longest_s
        assert service["environment"]["PYASYNQ_REDIS_URL"].startswith("${PYASYNQ_REDIS_URL:-")


def test_nobody_else_reaches_a_web_ui_without_users():
    web = OURS["web"]

    assert "--insecure-no-auth" in web["command"]
    assert all(port.startswith("127.0.0.1:") for port in web["ports"])


def test_the_guide_names_every_file():
    text = (GUIDES / "containers.md").read_text()

    assert [each.name for each in FOLDER.iterdir() if each.name not in text] == []


@pytest.mark.long
@pytest.mark.skipif(not HADOLINT.exists(), reason="hadolint is absent: make package installs it")
@pytest.mark.parametrize("path", [IMAGE, APP], ids=lambda path: path.name)
def test_hadolint_finds_nothing(path):
    done = subprocess.run([HADOLINT, path], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.long
def test_the_steps_of_the_build_install_what_the_image_runs(tmp_path):
    source = tmp_path / "source"
    for name, rest in steps(IMAGE):
        if name == "COPY" and "--from" not in rest:
            for each in rest.split()[:-1]:
                (shutil.copytree if (ROOT / each).is_dir() else copy)(
                    ROOT / each, source / Path(each).name
                )
    environment = {
        "EXTRAS": "web,metrics,uvloop",
        "PATH": f"{Path(sys.executable).parent}:/usr/bin",
    }
    for name, rest in steps(IMAGE)[: [each for each, _rest in steps(IMAGE)].index("USER")]:
        if name == "RUN" and "useradd" not in rest:
            command = rest.replace("/opt/venv", str(tmp_path / "venv"))
            command = command.replace("/wheels", str(tmp_path / "wheels"))
            subprocess.run(["sh", "-c", command], cwd=source, env=environment, check=True)

    done = subprocess.run(
        [tmp_path / "venv" / "bin" / "pyasynq", *shlex.split("health --http 127.0.0.1:1 --live")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout[:10]) == (1, "no answer:")


def copy(source: Path, target: Path) -> None:
    target.parent.mkdir(exist_ok=True)
    shutil.copy(source, target)
