"""Other Python queues are installed on demand; one that cannot be installed stops nothing."""

import platform
import sys
import zipfile
from pathlib import Path

import pytest

from benchmarks import interpreters as comparison
from benchmarks.measure import interpreters
from benchmarks.measure.environments import ROOT, InstallError, environment
from benchmarks.measure.options import read_options
from benchmarks.measure.peers import PEERS, Peer, installed


def make_wheel(folder: Path) -> Path:
    wheel = folder / "pinned-1.0-py3-none-any.whl"
    metadata = {
        "METADATA": "Metadata-Version: 2.1\nName: pinned\nVersion: 1.0\n",
        "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "RECORD": "",
    }
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in metadata.items():
            archive.writestr(f"pinned-1.0.dist-info/{name}", text)
    return wheel


def peer_of(requirement: object, least: tuple[int, int] | None = None) -> dict[str, Peer]:
    peer = Peer(requirements=(str(requirement),), pace=1, forms=frozenset(), least=least)
    return {"some": peer}


@pytest.mark.slow
def test_an_installed_peer_runs_in_its_own_environment_and_its_versions_are_recorded(tmp_path):
    peers = peer_of(make_wheel(tmp_path))

    found = installed(["some"], peers=peers, inside=tmp_path / "made")

    versions = {"pinned": "1.0", "python": platform.python_version()}
    assert found.record == {"some": {"versions": versions}}
    assert found.programs[0].command == (
        str(tmp_path / "made" / "some" / "bin" / "python"),
        "-m",
        "benchmarks.programs.peers.some",
    )


@pytest.mark.slow
def test_an_environment_is_made_once_for_the_same_packages(tmp_path):
    wheel = make_wheel(tmp_path)
    first = environment("some", [str(wheel)], inside=tmp_path)
    wheel.unlink()

    assert environment("some", [str(wheel)], inside=tmp_path) == first
    with pytest.raises(InstallError):
        environment("some", [str(tmp_path / "other.whl")], inside=tmp_path)


@pytest.mark.slow
def test_a_peer_that_cannot_be_installed_is_reported_and_left_out(tmp_path, capsys):
    found = installed(["some"], peers=peer_of(tmp_path / "absent.whl"), inside=tmp_path)
    found.report()

    assert found.programs == []
    assert "absent.whl" in found.record["some"]["failure"]
    assert "some was not measured, it could not be installed" in capsys.readouterr().out


def test_a_peer_that_needs_a_newer_python_than_there_is_is_reported_and_left_out(tmp_path):
    found = installed(["some"], peers=peer_of("any", least=(3, 99)), inside=tmp_path)

    assert found.programs == []
    assert found.record["some"]["failure"] == (
        "Python 3.99 or newer is needed; neither pyenv nor the path has one that starts"
    )


def test_this_interpreter_is_taken_where_it_is_new_enough():
    assert interpreters.at_least((3, 11)) == Path(sys.executable)


@pytest.fixture
def no_pyenv_but(tmp_path, monkeypatch):
    """Let the path lead to a folder with nothing but the commands that a test writes."""
    monkeypatch.setenv("PATH", str(tmp_path))
    interpreters._found.cache_clear()
    yield lambda name, text: make_command(tmp_path / name, text)
    interpreters._found.cache_clear()


def make_command(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_an_interpreter_is_found_on_the_path(no_pyenv_but):
    python = no_pyenv_but("python3.12", "echo '[3, 12]'")

    assert interpreters.of_version((3, 12)) == python


def test_an_interpreter_of_pyenv_is_found_first(no_pyenv_but, tmp_path):
    folder = tmp_path / "root" / "versions" / "3.12.1" / "bin"
    folder.mkdir(parents=True)
    of_pyenv = make_command(folder / "python3.12", "echo '[3, 12]'")
    no_pyenv_but("pyenv", f"echo {tmp_path / 'root'}")
    no_pyenv_but("python3.12", "echo '[3, 12]'")

    assert interpreters.of_version((3, 12)) == of_pyenv


@pytest.mark.parametrize("text", ["exit 127", "echo '[3, 11]'"])
def test_a_command_that_is_no_such_interpreter_is_not_taken(no_pyenv_but, text):
    no_pyenv_but("python3.12", text)

    with pytest.raises(interpreters.InterpreterAbsentError, match=r"Python 3\.12 is needed"):
        interpreters.of_version((3, 12))


def test_a_python_that_is_absent_is_reported_and_left_out(no_pyenv_but, monkeypatch):
    monkeypatch.setattr(comparison, "VERSIONS", ((3, 99),))

    found = comparison.with_interpreters()

    assert found.programs == []
    assert found.record["3.99"]["failure"].startswith("Python 3.99 is needed")


def test_a_compared_python_has_pyasynq_and_its_extra():
    needed = comparison.requirements()

    assert f"--editable={ROOT}" in needed
    assert any(each.startswith("uvloop") for each in needed)


def test_every_peer_has_a_program():
    programs = {path.stem for path in (ROOT / "benchmarks/programs/peers").glob("[a-z]*.py")}

    assert programs == set(PEERS)


@pytest.mark.parametrize(("given", "names"), [("all", tuple(PEERS)), ("huey,rq", ("huey", "rq"))])
def test_peers_are_chosen_by_name(monkeypatch, given, names):
    monkeypatch.setattr(sys, "argv", ["drain", "--peers", given])

    assert read_options("", with_peers=True).peers == names


def test_an_unknown_peer_is_refused_with_those_there_are(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["drain", "--peers", "nobody"])

    with pytest.raises(SystemExit):
        read_options("", with_peers=True)

    assert "'nobody' is none of all, ardiq, taskiq" in capsys.readouterr().err


def test_a_question_without_peers_does_not_offer_them(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["scale", "--help"])

    with pytest.raises(SystemExit):
        read_options("")

    assert "peers" not in capsys.readouterr().out
