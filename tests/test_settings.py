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


def test_a_file_that_is_not_toml_is_left_to_others(tmp_path):
    (tmp_path / "pyproject.toml").write_text("[[[")

    assert project_settings(tmp_path) == {}


def test_the_environment_wins_over_the_project(tmp_path, monkeypatch):
    write(tmp_path, 'redis_url = "redis://project:1/2"')
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYASYNQ_REDIS_URL", raising=False)
    assert ConnectionOptions.from_environment().hosts == (("project", 1),)

    monkeypatch.setenv("PYASYNQ_REDIS_URL", "redis://environment:3")
    assert ConnectionOptions.from_environment().hosts == (("environment", 3),)


def test_every_setting_is_described():
    text = (Path(__file__).parents[1] / "docs/reference/commands.md").read_text()

    assert [name for name in KINDS if f"`{name}`" not in text] == []
