"""Installs pyasynq with each extra into an environment of its own, and tries what that is for.

Usage: python tools/try_extras.py [--of REQUIREMENT] [EXTRA ...]

REQUIREMENT is the wheel in dist/ if none is given. It may be an sdist, or what an index offers,
such as pyasynq==1.2.0. The extras are all that there are, and `none`; what is installed with them
is what requirements/constraints.txt says, unless it is to come from an index.
"""

import argparse
import subprocess
import sys
import tempfile
import time
import tomllib
import venv
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NONE = "none"

RUN_A_TASK = """
from pyasynq import App
app = App()
@app.task
def double(number: int) -> int:
    return number * 2
with app.testing() as harness:
    double.enqueue(21)
    (handled,) = harness.run_pending(raises=True)
assert handled.result == 42
"""
SERVE = """
from pyasynq.web import create_app
from pyasynq.web.serving import is_loopback
create_app("redis://127.0.0.1:1/0")
"""
VALIDATE = """
import pydantic
from pyasynq import App, Client
class Order(pydantic.BaseModel):
    number: int
@App().task
def ship(order: Order) -> None: ...
"""
READ_YAML = """
from pathlib import Path
from pyasynq.scheduler.config_file import read_file
Path("periodic.yaml").write_text("entries: [{spec: '@daily', type: report}]")
(entry,) = read_file(Path("periodic.yaml"))
assert entry.task.type == "report", entry
"""
# Some names of an integration are loaded when they are used; this uses all.
INTEGRATE = """
import pyasynq.contrib.{extra} as used
assert [getattr(used, name) for name in used.__all__]
"""
SET_UP_DJANGO = """
import django
from django.conf import settings
settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "pyasynq.contrib.django"],
    PYASYNQ={"URL": "redis://127.0.0.1:1/0"},
)
django.setup()
"""
INTEGRATIONS = ("django", "fastapi", "flask", "sentry", "sqlalchemy", "structlog")
PROGRAMS: Mapping[str, str] = {
    NONE: "from pyasynq import App, AsyncClient, Client, Inspector; App().tasks",
    "dev": f"import watchfiles{RUN_A_TASK}{SERVE}",
    "metrics": "from pyasynq.metrics import QueueCollector, WorkerCollector",
    "otel": "from pyasynq.opentelemetry import OpenTelemetry; OpenTelemetry()",
    "pydantic": VALIDATE,
    "testing": f"import pytest, pyasynq.testing.plugin{RUN_A_TASK}",
    "tui": "from pyasynq.tui.dash import Dash",
    "uvloop": "from pyasynq.lifecycle.run_until_signal import _loop_factory as f; assert f()",
    "web": SERVE,
    "yaml": READ_YAML,
    **{extra: INTEGRATE.format(extra=extra) for extra in INTEGRATIONS},
    "django": SET_UP_DJANGO + INTEGRATE.format(extra="django"),
}


def extras() -> list[str]:
    """Return the extras of pyproject.toml, and what stands for none of them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return [NONE, *project["optional-dependencies"]]


def newest_wheel() -> str:
    """Return the wheel in dist/.

    Raises:
        SystemExit: there is none.
    """
    found = sorted((ROOT / "dist").glob("*.whl"))
    if not found:
        raise SystemExit("there is no wheel in dist/; run `make package`")
    return str(found[-1])


def is_file(requirement: str) -> bool:
    """Return whether what is tried was built here."""
    return requirement.endswith((".whl", ".tar.gz"))


def with_extra(requirement: str, extra: str) -> str:
    """Return *requirement* with one extra, as pip takes it."""
    if is_file(requirement):
        where = Path(requirement).resolve().as_uri()
        return f"pyasynq{'' if extra == NONE else f'[{extra}]'} @ {where}"
    name, sign, version = requirement.partition("==")
    return f"{name}{'' if extra == NONE else f'[{extra}]'}{sign}{version}"


def fault_of(requirement: str, extra: str, folder: Path) -> str:
    """Install and try one extra; return what went wrong, or nothing."""
    venv.create(folder / "venv", symlinks=True)
    programs = folder / "venv" / "bin"
    python = programs / "python"
    install = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    install += ["--python", str(python), "install", with_extra(requirement, extra)]
    if is_file(requirement):
        install += ["-c", str(ROOT / "requirements" / "constraints.txt")]
    for command in (
        install,
        [str(python), "-m", "pyasynq", "--version"],
        [str(programs / "pyasynq"), "--help"],
        [str(python), "-W", "error::DeprecationWarning:pyasynq", "-c", PROGRAMS[extra]],
        [sys.executable, "-m", "pip", "--python", str(python), "-q", "check"],
    ):
        done = subprocess.run(  # noqa: S603 - ours
            command, cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            said = done.stderr or done.stdout
            return f"{Path(command[0]).name} {' '.join(command[1:3])}: {said}"
    return ""


def main(arguments: Sequence[str]) -> int:
    """Try the extras that are asked for; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--of", default="", metavar="REQUIREMENT")
    parser.add_argument("extras", nargs="*", choices=[*extras(), []], metavar="EXTRA")
    given = parser.parse_args(arguments)
    requirement, failed = given.of or newest_wheel(), 0
    for extra in given.extras or extras():
        start = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            fault = fault_of(requirement, extra, Path(folder))
        failed += bool(fault)
        print(f"{extra:12}{time.perf_counter() - start:5.1f} s  {fault or 'works'}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
