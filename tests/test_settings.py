"""Settings of a project."""

from pathlib import Path

import pytest

from pyasynq.connection.options import ConnectionOptions
from pyasynq.errors import ConfigError
from pyasynq.settings import KINDS, project_settings


def write(folder, *lines):
    (folder / "pyproject.toml").write_text("\n".join(["[tool.pyasynq]", *lines]))


def test_the_nearest_file_counts(tmp_path):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    write(tmp_path, 'app = "shop:app"', "concurrency = 5", "strict_priority = true")

    assert project_settings(inner) == {
        "app": "shop:app",
        "concurrency": 5,
        "strict_priority": True,
    }
    (tmp_path / "a" / "pyproject.toml").write_text("[project]\nname = 'other'\n")
    assert project_settings(inner) == {}


def test_every_wrong_setting_is_named(tmp_path):
    write(tmp_path, "queue = 5", "queues = 3", "concurrency = true", "hello = 1")

    with pytest.raises(ConfigError) as caught:
        project_settings(tmp_path)

    assert len(caught.value.faults) == 4
    assert "did you mean 'queues'?" in caught.value.faults[0]
    assert "queues must be text" in caught.value.faults[1]
    assert all(str(tmp_path) in fault for fault in caught.value.faults)


GOOD = b'[tool.pyasynq]\napp = "shop:app"\n'


@pytest.mark.parametrize("data", [GOOD, b"\xef\xbb\xbf" + GOOD, GOOD.replace(b"\n", b"\r\n")])
def test_a_mark_before_the_text_is_no_part_of_it(tmp_path, data):
    (tmp_path / "pyproject.toml").write_bytes(data)

    assert project_settings(tmp_path) == {"app": "shop:app"}


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (GOOD + b"[project]\nname = \n", "is not valid TOML: invalid value (at line 4, column 8)"),
        (b"[[[", "is not valid TOML: "),
        (GOOD + b'app = "b:c"\n', "is not valid TOML: cannot overwrite a value (at line 3,"),
        (GOOD + '[x]\ny = "Jörg"\n'.encode("latin-1"), "is not UTF-8 text (at line 4)"),
        (GOOD.decode().encode("utf-16"), "is not UTF-8 text (at line 1)"),
        (b"[tool]\npyasynq = 3\n", "must be a table"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error_since_it_may_have_settings(tmp_path, data, fault):
    path = tmp_path / "pyproject.toml"
    path.write_bytes(data)

    with pytest.raises(ConfigError) as caught:
        project_settings(tmp_path)

    assert fault in str(caught.value)
    assert str(path) in str(caught.value)


def test_the_environment_wins_over_the_project(tmp_path, monkeypatch):
    write(tmp_path, 'redis_url = "redis://project:1/2"')
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYASYNQ_REDIS_URL", raising=False)
    assert ConnectionOptions.from_environment().hosts == (("project", 1),)

    monkeypatch.setenv("PYASYNQ_REDIS_URL", "redis://environment:3")
    assert ConnectionOptions.from_environment().hosts == (("environment", 3),)


def test_every_setting_is_described():
    text = (Path(__file__).parents[1] / "docs/reference/configuration.md").read_text()

    assert [name for name in KINDS if f"`{name}`" not in text] == []
