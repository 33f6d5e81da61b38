"""The reference names everything a user can set, meet or see."""

import dataclasses
from pathlib import Path

import pytest

from pyasynq import errors
from pyasynq.cli.commands import COMMANDS
from pyasynq.connection.options import ConnectionOptions
from pyasynq.inspector import Inspector
from pyasynq.options import EnqueueOptions
from pyasynq.worker.config import ServerConfig
from pyasynq.worker.handlers.events import EVENT_NAMES, TaskEvent

REFERENCE = Path(__file__).parent.parent.parent / "docs" / "reference"
ERRORS = [
    name
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, Exception) and not name.startswith("_")
]

COMMAND_NAMES = [
    f"{noun} {verb}" if verb else noun
    for noun, command in COMMANDS.items()
    for verb in (command.verbs or [""])
]


def page(name: str) -> str:
    return (REFERENCE / f"{name}.md").read_text()


@pytest.mark.parametrize("field", [each.name for each in dataclasses.fields(ServerConfig)])
def test_every_setting_is_described(field):
    assert f"`{field}`" in page("server")


@pytest.mark.parametrize("field", [each.name for each in dataclasses.fields(EnqueueOptions)])
def test_every_option_is_described(field):
    assert f"`{field}`" in page("options")


@pytest.mark.parametrize("name", EVENT_NAMES)
def test_every_event_is_described(name):
    assert f"| `{name}` |" in page("events")


@pytest.mark.parametrize("field", [each.name for each in dataclasses.fields(TaskEvent)])
def test_every_attribute_of_an_event_is_described(field):
    assert f"| `{field}`" in page("events")


@pytest.mark.parametrize("name", ERRORS)
def test_every_error_is_described(name):
    assert f"`{name}" in page("errors")


@pytest.mark.parametrize("name", COMMAND_NAMES)
def test_every_command_is_described(name):
    assert f"`pyasynq {name}" in page("commands")


@pytest.mark.parametrize("field", [each.name for each in dataclasses.fields(ConnectionOptions)])
def test_every_connection_option_is_described(field):
    written = {"kind": "unix:", "hosts": "host", "path": "path", "tls": "TLS"}

    assert written.get(field, f"`{field.removesuffix('_s')}") in page("connections")


@pytest.mark.parametrize("part", ["queues", "tasks", "groups", "servers", "schedulers", "redis"])
def test_every_method_of_an_inspector_is_described(part):
    with Inspector("redis://127.0.0.1:1") as inspector:
        methods = [name for name in dir(getattr(inspector, part)) if not name.startswith("_")]
    text = page("inspector")

    assert methods
    for name in methods:
        assert f"`inspector.{part}.{name}(" in text or f"`{name}(" in text
