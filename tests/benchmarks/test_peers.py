"""Other Python queues are installed on demand; one that cannot be installed stops nothing."""

import sys
import zipfile
from pathlib import Path

import pytest

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


def peer_of(requirement: object) -> dict[str, Peer]:
    return {"some": Peer(requirements=(str(requirement),), pace=1, forms=frozenset())}


@pytest.mark.slow
def test_an_installed_peer_runs_in_its_own_environment_and_its_versions_are_recorded(tmp_path):
    peers = peer_of(make_wheel(tmp_path))

    found = installed(["some"], peers=peers, inside=tmp_path / "made")

    assert found.record == {"some": {"versions": {"pinned": "1.0"}}}
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

    assert "'nobody' is none of all, taskiq, huey" in capsys.readouterr().err


def test_a_question_without_peers_does_not_offer_them(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["scale", "--help"])

    with pytest.raises(SystemExit):
        read_options("")

    assert "peers" not in capsys.readouterr().out
