"""What is loaded by whom: a module that only some need costs the others time and memory.

Each statement runs in an interpreter of its own. A name stands for the package and all in it.
"""

import json
import subprocess
import sys

import pytest

from pyasynq.cli.commands import COMMANDS as COMMAND_TABLE
from tools.try_extras import INTEGRATIONS

# What costs much, and what only some users need.
HEAVY = ("redis", "hiredis", "google", "msgspec", "asyncio", "ssl", "click", "logging")
# What integrations stand on, and they alone.
INTEGRATED = ("django", "fastapi", "flask", "sentry_sdk", "sqlalchemy", "structlog")
RARE = (
    "multiprocessing",
    "pydantic",
    "prometheus_client",
    "tomllib",  # only beside a pyproject.toml
    "difflib",  # only after a mistake
    "textual",
    "rich",
    "pyasynq.tui",
    "starlette",
    "uvicorn",
    "pyasynq.web",
    *INTEGRATED,
    "pyasynq.contrib",
    "pyasynq.connection.embedded.server",
    "pyasynq.connection.transport.sentinel",
    "pyasynq.connection.embedded.supervisor",
)
MOST_MODULES = 135  # in a command that looks at something
COMMANDS = tuple(f"pyasynq.cli.{name}" for name in COMMAND_TABLE)
ENQUEUEING = ("pyasynq.client", "pyasynq.client_async", "pyasynq.inspector")

HELP = """
from pyasynq.cli.main import run, pyasynq
run(lambda: pyasynq.main({arguments}, standalone_mode=False))
"""
WORKER = """
import asyncio
import pyasynq.cli.main, pyasynq.cli.worker
from pyasynq import App

app = App({url!r})

@app.task
async def greet(name: str) -> None: ...

async def serve():
    async with app.server().running(app.mux):
        pass

asyncio.run(serve())
"""


def loaded_by(statement, folder):
    """Return the modules that are loaded after *statement* in a fresh interpreter."""
    code = f"{statement}\nimport json, sys\nprint(); print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=folder
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def of(loaded, names):
    """Return which of the modules that are loaded *names* stand for."""
    return {each for each in loaded for name in names if f"{each}.".startswith(f"{name}.")}


def test_importing_the_package_loads_nothing_heavy(tmp_path):
    loaded = loaded_by("import pyasynq", tmp_path)

    assert of(loaded, ["pyasynq"]) == {"pyasynq", "pyasynq.version"}
    assert not of(loaded, (*HEAVY, *RARE))


def test_an_app_does_not_load_what_enqueues_or_serves_before_it_is_used(tmp_path):
    loaded = loaded_by("from pyasynq import App\napp = App()\n@app.task\ndef f(): ...", tmp_path)

    assert "pyasynq.app.app" in loaded
    unused = (*ENQUEUEING, "pyasynq.worker.server", "pyasynq.cli", "redis", "hiredis", "click")
    assert not of(loaded, (*unused, *RARE))


@pytest.mark.parametrize("name", ["Client", "AsyncClient"])
def test_a_client_loads_neither_the_worker_nor_the_other_clients(name, tmp_path):
    statement = f"from pyasynq import {name}; {name}('redis://127.0.0.1:1/0')"

    loaded = loaded_by(statement, tmp_path)

    assert len(of(loaded, ["pyasynq.client", "pyasynq.client_async"])) == 1
    unused = ("pyasynq.app", "pyasynq.worker", "pyasynq.inspector", "pyasynq.cli", "click")
    assert not of(loaded, (*unused, *RARE))


@pytest.mark.parametrize("arguments", [["--help"], ["task", "--help"], ["queue"], []])
def test_help_loads_the_command_line_only(tmp_path, arguments):
    (tmp_path / "pyproject.toml").write_text("[tool.pyasynq]\nconcurrency = 7\n")

    loaded = loaded_by(HELP.format(arguments=arguments), tmp_path)

    assert "pyasynq.cli.main" in loaded
    assert not of(
        loaded, (*(set(HEAVY) - {"click"}), *RARE, *COMMANDS, "pyasynq.settings", "wcwidth")
    )


@pytest.mark.parametrize(
    "module", ["queue.looks", "task.single", "task.looks", "server", "cron.looks", "stats"]
)
def test_a_command_that_looks_or_controls_loads_nothing_that_runs_tasks(tmp_path, module):
    loaded = loaded_by(f"import pyasynq.cli.main, pyasynq.cli.{module}", tmp_path)

    unused = ("pyasynq.app", "pyasynq.worker", "pyasynq.client", "pyasynq.client_async")
    assert "pyasynq.inspector.inspector" in loaded
    assert not of(loaded, (*unused, "pyasynq.testing", "pyasynq.cli.supervision", *RARE))
    assert len(of(loaded, ["pyasynq"])) < MOST_MODULES
    # redis-py loads asyncio by itself, in both of its halves; ours stays away, but for the login,
    # which is the base of a class of redis-py.
    ours = [each for each in of(loaded, ["pyasynq"]) if each.endswith("_async")]
    assert ours == ["pyasynq.connection.transport.login_async"]
    assert "pyasynq.connection.transport.multiplexed" not in loaded


@pytest.mark.parametrize("name", ["Inspector", "AsyncInspector"])
def test_an_inspector_does_not_load_the_other_one(name, tmp_path):
    loaded = loaded_by(f"from pyasynq import {name}; {name}('redis://127.0.0.1:1')", tmp_path)

    parts = of(loaded, ["pyasynq.inspector.inspector", "pyasynq.inspector.inspector_async"])
    assert len(parts) == 1
    runners = of(loaded, [f"pyasynq.broker.runners.{each}" for each in ("runner", "runner_async")])
    assert len(runners) == 1


def test_a_running_worker_has_loaded_only_what_runs_tasks(redis_url, tmp_path):
    loaded = loaded_by(WORKER.format(url=redis_url), tmp_path)

    assert {"pyasynq.worker.server", "pyasynq.cli.worker"} <= loaded
    unused = (*ENQUEUEING, "pyasynq.cli.supervision", "pyasynq.admin", "pyasynq.testing")
    assert not of(loaded, (*unused, *RARE))


def test_the_room_of_integrations_loads_none_of_them(tmp_path):
    loaded = loaded_by("import pyasynq.contrib", tmp_path)

    assert of(loaded, ["pyasynq"]) == {"pyasynq", "pyasynq.version", "pyasynq.contrib"}


@pytest.mark.long
def test_an_integration_loads_no_library_but_its_own(tmp_path):
    for name in INTEGRATIONS:
        loaded = loaded_by(f"import pyasynq.contrib.{name}", tmp_path)

        own = {"sentry": "sentry_sdk"}.get(name, name)
        assert of(loaded, INTEGRATED) <= of(loaded, [own]), name
        assert not of(loaded, ["pyasynq.tui", "pyasynq.testing", "textual"]), name
