"""A release: the version is written once, and what it is made of has licences that are allowed."""

import re
from pathlib import Path

import pytest

from pyasynq.version import __version__
from tools import release

ROOT = Path(__file__).parents[2]
VERSION_FILE = '"""The version of pyasynq."""\n\n__version__ = "0.9.0"\n'
CHART = "deploy/helm/pyasynq/Chart.yaml"
CHANGELOG = "# Changelog\n\n## Unreleased\n\nA story.\n\n## 0.9.0 (2026-01-01)\n\nOlder.\n"


@pytest.fixture
def project(tmp_path) -> Path:
    (tmp_path / "src" / "pyasynq").mkdir(parents=True)
    (tmp_path / "src" / "pyasynq" / "version.py").write_text(VERSION_FILE)
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    (tmp_path / "changes").mkdir()
    (tmp_path / "changes" / "README.md").write_text("how")
    (tmp_path / "deploy" / "helm" / "pyasynq").mkdir(parents=True)
    (tmp_path / CHART).write_text("version: 0.3.0\nappVersion: 0.9.0\n")
    return tmp_path


def test_a_release_names_its_version_in_the_source_and_the_changelog(project):
    assert release.main(["1.0.0", "2026-12-01"], project) == 0

    assert '__version__ = "1.0.0"' in (project / "src" / "pyasynq" / "version.py").read_text()
    assert (project / "CHANGELOG.md").read_text() == (
        "# Changelog\n\n## Unreleased\n\n## 1.0.0 (2026-12-01)\n\nA story.\n\n"
        "## 0.9.0 (2026-01-01)\n\nOlder.\n"
    )


def test_the_chart_names_the_release_and_keeps_its_own_version(project):
    assert release.main(["1.0.0", "2026-12-01"], project) == 0

    assert (project / CHART).read_text() == "version: 0.3.0\nappVersion: 1.0.0\n"


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("1.0", "is not a version such as 1.2.0"),
        ("v1.0.0", "is not a version such as 1.2.0"),
        ("0.9.0", "0.9.0 is not above 0.9.0"),
        ("0.9.0rc1", "0.9.0rc1 is not above 0.9.0"),
        ("0.8.9", "0.8.9 is not above 0.9.0"),
    ],
)
def test_a_version_that_is_none_or_not_above_the_last_is_refused(project, capsys, version, told):
    assert release.main([version], project) == 1

    assert told in capsys.readouterr().out
    assert (project / "CHANGELOG.md").read_text() == CHANGELOG


def test_fragments_that_are_left_keep_a_release_back(project, capsys):
    (project / "changes" / "one.added.md").write_text("One.\n")

    assert release.main(["1.0.0"], project) == 1

    assert "changes/ still holds 1 fragments; run `make changelog`" in capsys.readouterr().out


@pytest.mark.parametrize("before", ["0.1.0.dev0", "0.9.0a1", "0.9.0rc1", "0.10.0"])
def test_versions_are_in_the_order_of_their_numbers_and_stages(before):
    order = ["0.1.0.dev0", "0.1.0", "0.9.0a1", "0.9.0b1", "0.9.0rc1", "0.9.0rc2", "0.9.0", "0.10.0"]

    assert sorted(order, key=release.order_of) == order
    assert before in order


def test_the_version_stands_in_one_file_only():
    texts = {
        path: path.read_text()
        for path in (ROOT / "src").rglob("*.py")
        if "__version__ =" in path.read_text()
    }

    assert [path.name for path in texts] == ["version.py"]
    assert 'dynamic = ["version"]' in (ROOT / "pyproject.toml").read_text()
    assert release.order_of(__version__) is not None


def test_the_checklist_names_targets_that_there_are():
    page = (ROOT / "docs" / "releasing.md").read_text()
    makefile = (ROOT / "Makefile").read_text()
    named = re.findall(r"^ {4}make ([a-z-]+)", page, re.MULTILINE)

    assert {"check", "test-all", "test-servers", "bench", "changelog", "release"} <= {*named}
    assert {"package", "extras", "sbom", "verify"} <= {*named}
    assert [each for each in named if f"\n{each}:" not in makefile] == []
