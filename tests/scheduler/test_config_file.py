"""Files with periodic tasks: what they may hold, and what is said about what is wrong."""

import json
import sys
from datetime import UTC, timedelta

import pytest

from pyasynq.errors import ConfigError
from pyasynq.options import EnqueueOptions
from pyasynq.scheduler.config import PeriodicTaskConfig, wanted
from pyasynq.scheduler.config_file import read_file
from pyasynq.task import Task

YAML = """\
entries:
  - spec: "@every 90s"
    type: report
    payload: {days: 7}
    queue: low
    timeout: 1h30m
    key: weekly
    missed: all
    missed_within: 2h
    overlap: skip
    jitter: 1.5
  - spec: 0 3 * * mon
    type: sweep
    headers: {team: ops}
"""
TOML = """\
[[entries]]
spec = "@every 90s"
type = "report"
payload = {days = 7}
queue = "low"
timeout = "1h30m"
key = "weekly"
missed = "all"
missed_within = "2h"
overlap = "skip"
jitter = 1.5

[[entries]]
spec = "0 3 * * mon"
type = "sweep"
headers = {team = "ops"}
"""
JSON = """\
{"entries": [
  {"spec": "@every 90s", "type": "report", "payload": {"days": 7}, "queue": "low",
   "timeout": "1h30m", "key": "weekly", "missed": "all", "missed_within": "2h",
   "overlap": "skip", "jitter": 1.5},
  {"spec": "0 3 * * mon", "type": "sweep", "headers": {"team": "ops"}}
]}
"""
ENTRIES = [
    PeriodicTaskConfig(
        spec="@every 90s",
        task=Task("report", b'{"days":7}'),
        options=EnqueueOptions(queue="low", timeout=timedelta(minutes=90)),
        key="weekly",
        missed="all",
        missed_within=timedelta(hours=2),
        overlap="skip",
        jitter=1.5,
    ),
    PeriodicTaskConfig(spec="0 3 * * mon", task=Task("sweep", headers={"team": "ops"})),
]


def written(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    return path


def faults_of(tmp_path, *entries):
    path = written(tmp_path, "tasks.json", json.dumps({"entries": entries}))
    return wanted(read_file(path), "shop", UTC).faults


@pytest.mark.parametrize(("name", "text"), [("t.toml", TOML), ("t.JSON", JSON)], ids=str)
def test_the_formats_say_the_same(tmp_path, name, text):
    assert read_file(written(tmp_path, name, text)) == ENTRIES


@pytest.mark.parametrize("name", ["t.yaml", "t.yml"])
def test_yaml_is_read_where_pyyaml_is_installed(tmp_path, name):
    pytest.importorskip("yaml")

    assert read_file(written(tmp_path, name, YAML)) == ENTRIES


def test_without_pyyaml_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)

    with pytest.raises(ConfigError, match=r"t\.yaml cannot be read: YAML needs PyYAML; run pip"):
        read_file(written(tmp_path, "t.yaml", YAML))


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("t.txt", "", "must end in .yaml, .yml, .toml, .json"),
        ("t.json", "{", "is not valid JSON: Expecting property name"),
        ("t.json", "[" * 100_000, "is not valid JSON"),
        ("t.toml", "a", "is not valid TOML"),
        ("t.json", "[]", "must hold a list called 'entries'"),
        ("t.json", '{"entries": {}}', "must hold a list called 'entries'"),
        ("t.json", '{"entries": [], "more": 1}', "holds 'more' beside 'entries'"),
    ],
)
def test_a_file_that_is_wrong_is_refused_as_a_whole(tmp_path, name, text, why):
    with pytest.raises(ConfigError, match=why):
        read_file(written(tmp_path, name, text))


def test_an_object_of_python_in_yaml_is_refused(tmp_path):
    pytest.importorskip("yaml")
    text = "entries: !!python/object/apply:os.getcwd []"

    with pytest.raises(ConfigError, match="is not valid YAML"):
        read_file(written(tmp_path, "t.yaml", text))


@pytest.mark.parametrize("make", [lambda path: path, lambda path: path.mkdir()])
def test_a_file_that_cannot_be_read_is_named(tmp_path, make):
    path = tmp_path / "t.json"
    make(path)

    with pytest.raises(ConfigError, match=r"t\.json cannot be read: "):
        read_file(path)


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (5, "entry 1: it must be a table of names and values, not int"),
        ({"type": "a"}, "entry 1: 'spec' is missing"),
        ({"spec": "@daily", "typ": "a"}, "entry 1: there is no 'typ'; did you mean 'type'?"),
        ({"spec": "@dail", "type": "a"}, "entry 1 (task 'a'): the cron spec '@dail' cannot be"),
        ({"spec": 5, "type": "a"}, "entry 1 (task 'a'): a cron spec must be text, not int"),
        ({"spec": "@daily", "type": 5}, "entry 1: task type must be text, not int"),
        ({"spec": "@daily", "type": "a", "key": 5}, "key must be text, not int"),
        ({"spec": "@daily", "type": "a", "queue": ""}, "queue must not be blank"),
        ({"spec": "@daily", "type": "a", "timeout": "soon"}, "timeout must be a number of seconds"),
        (
            {"spec": "@daily", "type": "a", "missed": "never"},
            "missed must be one of 'skip', 'once'",
        ),
        ({"spec": "@daily", "type": "a", "headers": [1]}, "headers must"),
        ({"spec": "@daily", "type": "a", "key": "k", "retry": 1}, "entry 1 (key 'k'): there is no"),
    ],
)
def test_an_entry_that_is_wrong_is_told_with_its_place(tmp_path, entry, why):
    (fault,) = faults_of(tmp_path, entry)

    assert fault.startswith(why) or why in fault


def test_an_entry_that_is_there_twice_is_told(tmp_path):
    entry = {"spec": "@daily", "type": "a"}

    faults = faults_of(tmp_path, entry, {**entry, "key": "k"}, entry, {**entry, "key": "k"})

    assert faults == (
        "entry 3 (task 'a') is the same as entry 1; give each a key if both are meant",
        "entry 4 (key 'k') is the same as entry 2",
    )
