"""The reference names everything a user can set, meet or see."""

import dataclasses
import inspect
import re
from pathlib import Path

import pytest

from pyasynq import errors
from pyasynq.cli import web
from pyasynq.cli.commands import COMMANDS
from pyasynq.connection.options import ConnectionOptions
from pyasynq.events.event import EVENT_NAMES, PeriodicEvent, TaskEvent, WorkerEvent
from pyasynq.inspector import (
    Attempt,
    Inspector,
    Percentiles,
    TypeCounts,
    TypeInfo,
    TypeStats,
)
from pyasynq.options import EnqueueOptions
from pyasynq.web import create_app
from pyasynq.web.formatting import Formatters
from pyasynq.web.rest.table import endpoints
from pyasynq.wire.attempts import ENDINGS, THENS
from pyasynq.wire.keys import global_keys, queue_keys
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.task_history import TaskHistory

REFERENCE = Path(__file__).parent.parent.parent / "docs" / "reference"
ERRORS = [
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, Exception) and not name.startswith("_")
]

STATUSES = (200, 204, 400, 401, 403, 404, 405, 409, 429, 501, 502, 503)
COMMAND_NAMES = [
    f"{noun} {verb}" if verb else noun
    for noun, command in COMMANDS.items()
    for verb in (command.verbs or [""])
]
VARIABLES = sorted(
    {
        name
        for path in Path(errors.__file__).parent.rglob("*.py")
        for name in re.findall(r"\bPYASYNQ_[A-Z_]+[A-Z]\b", path.read_text())
    }
    - {"PYASYNQ_COMPLETE"}  # set by what `pyasynq completion` prints
)
KEYS = [
    value
    for keys in (queue_keys("q"), global_keys())
    for name in type(keys).__slots__
    if (value := getattr(keys, name)).startswith("asynq:") and name != "prefix"
]


def page(name: str) -> str:
    return (REFERENCE / f"{name}.md").read_text()


@pytest.mark.parametrize("field", [each.name for each in dataclasses.fields(ServerConfig)])
def test_every_setting_is_described(field):
    assert f"`{field}`" in page("server")


@pytest.mark.parametrize("field", dataclasses.fields(TaskHistory), ids=lambda each: each.name)
def test_every_setting_of_a_history_is_described(field):
    assert f"| `{field.name}` |" in (REFERENCE.parent / "guides" / "history.md").read_text()


@pytest.mark.parametrize("outcome", [*ENDINGS, "running", "unknown", *THENS])
def test_every_outcome_of_an_attempt_is_described(outcome):
    assert f"`{outcome}`" in page("inspector")


@pytest.mark.parametrize("kind", [Attempt, TypeInfo, TypeStats, TypeCounts, Percentiles])
def test_every_field_of_what_is_kept_is_described(kind):
    assert [
        each.name for each in dataclasses.fields(kind) if f"`{each.name}`" not in page("inspector")
    ] == []


@pytest.mark.parametrize("field", [each.name for each in dataclasses.fields(EnqueueOptions)])
def test_every_option_is_described(field):
    assert f"`{field}`" in page("options")


@pytest.mark.parametrize("name", EVENT_NAMES)
def test_every_event_is_described(name):
    assert f"| `{name}` |" in page("events")


@pytest.mark.parametrize("kind", [TaskEvent, WorkerEvent, PeriodicEvent])
def test_every_attribute_of_an_event_is_described(kind):
    _, _, section = page("events").partition(f"\n## {kind.__name__}\n")
    section = section.partition("\n## ")[0]
    properties = [name for name, value in vars(kind).items() if isinstance(value, property)]
    fields = [each.name for each in dataclasses.fields(kind)]

    assert [name for name in (*fields, *properties) if f"| `{name}` |" not in section] == []


@pytest.mark.parametrize("name", ERRORS)
def test_every_error_is_described(name):
    assert f"`{name}" in page("errors")


@pytest.mark.parametrize("name", COMMAND_NAMES)
def test_every_command_is_described(name):
    assert f"`pyasynq {name}" in page("commands")


@pytest.mark.parametrize("route", endpoints(Formatters()), ids=lambda each: each.path)
def test_every_route_is_described_with_its_role_and_its_parameters(route):
    (row,) = (
        line for line in page("rest").splitlines() if f"`{route.method} {route.path}`" in line
    )

    assert row.split(" | ")[1] == ("" if route.is_open else route.needs.name.lower())
    assert [each.name for each in route.query if f"`{each.name}`" not in row] == []
    assert [status for status in route.failures if f"{status}: " not in row] == []


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_is_described(status):
    assert re.search(rf"^\|[^|]*\b{status}\b[^|]*\|", page("rest"), re.MULTILINE)


@pytest.mark.parametrize("name", inspect.signature(create_app).parameters)
def test_every_argument_of_the_web_is_described(name):
    assert f"`{name}`" in (REFERENCE.parent / "guides" / "web.md").read_text()


@pytest.mark.parametrize("option", [each for each in web.command.params if each.expose_value])
def test_every_option_of_the_web_command_is_described(option):
    names = {"quiet", "verbose", "log_level", "log_format", "debug"}  # as of a worker

    assert option.name in names or all(f"`{each}" in page("commands") for each in option.opts)


@pytest.mark.parametrize("field", [each.name for each in dataclasses.fields(ConnectionOptions)])
def test_every_connection_option_is_described(field):
    written = {"kind": "unix:", "hosts": "host", "path": "path", "tls": "TLS"}

    assert written.get(field, f"`{field.removesuffix('_s')}") in page("connections")


@pytest.mark.parametrize("variable", VARIABLES)
def test_every_environment_variable_is_described(variable):
    assert f"`{variable}`" in page("configuration")


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_described(key):
    short = key.removeprefix("asynq:").removeprefix("{q}:").rstrip(":")

    assert re.search(rf"[`:]{re.escape(short)}[`:]", page("keys"))


@pytest.mark.parametrize(
    "part", ["queues", "tasks", "types", "groups", "servers", "schedulers", "redis"]
)
def test_every_method_of_an_inspector_is_described(part):
    with Inspector("redis://127.0.0.1:1") as inspector:
        methods = [name for name in dir(getattr(inspector, part)) if not name.startswith("_")]
    text = page("inspector")

    assert methods
    for name in methods:
        assert f"`inspector.{part}.{name}(" in text or f"`{name}(" in text
