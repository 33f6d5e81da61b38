"""Where an exception was raised: the line of the application first, then that of a library."""

import asyncio
import importlib.util
import json
import re
import shutil
import sys

import pytest

from pyasynq import errors
from pyasynq.wire import source_line as module
from pyasynq.wire.source_line import is_machinery, source_line, source_of


def caught(act) -> BaseException:
    try:
        act()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def fail():
    raise ValueError("bad")


def test_it_is_the_path_from_the_root_of_the_application():
    line = fail.__code__.co_firstlineno + 1

    assert source_line(caught(fail)) == f"tests/wire/test_source_line.py:{line}"


def test_the_line_of_the_application_comes_before_that_of_the_library_which_raised():
    shown = source_line(caught(lambda: json.loads("{")))

    assert re.fullmatch(
        r"tests/wire/test_source_line\.py:\d+ < json/(decoder|scanner)\.py:\d+", shown
    )


def test_the_innermost_line_of_the_application_counts():
    def inner():
        json.loads("{")

    line = inner.__code__.co_firstlineno + 1

    assert source_line(caught(inner)).startswith(f"tests/wire/test_source_line.py:{line} < ")


def test_an_exception_that_was_never_raised_has_no_line():
    assert source_line(ValueError("new")) == ""


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("/opt/env/lib/python3.12/site-packages/PIL/Image.py", ("library", "PIL/Image.py")),
        ("/usr/lib/python3/dist-packages/yaml/reader.py", ("library", "yaml/reader.py")),
        (json.__file__, ("library", "json/__init__.py")),
        ("<frozen importlib._bootstrap>", ("library", "<frozen importlib._bootstrap>")),
        ("/somewhere/else/tasks.py", ("application", "tasks.py")),
        ("<string>", ("application", "<string>")),
    ],
)
def test_whose_a_file_is_follows_from_where_it_is(file, expected):
    assert source_of(file) == expected


def test_the_folder_of_the_application_may_hold_the_environment_of_its_libraries(monkeypatch):
    monkeypatch.setattr(sys, "path", ["/srv/shop", *sys.path])

    assert source_of("/srv/shop/jobs/mail.py") == ("application", "jobs/mail.py")
    assert source_of("/srv/shop/.venv/lib/site-packages/a/b.py") == ("library", "a/b.py")


@pytest.mark.parametrize(
    ("file", "expected"),
    [(asyncio.__file__, True), (errors.__file__, True), (json.__file__, False), (__file__, False)],
)
def test_what_runs_handlers_is_distinguished_from_what_they_use(file, expected):
    assert is_machinery(file) is expected


def test_pyasynq_runs_handlers_where_it_is_installed_among_libraries_too(tmp_path):
    folder = tmp_path / "site-packages" / "pyasynq" / "wire"
    folder.mkdir(parents=True)
    copy = shutil.copy(module.__file__, folder)
    spec = importlib.util.spec_from_file_location("installed_source_line", copy)
    installed = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(installed)

    ours = installed.source_of(str(folder.parent / "worker" / "threads.py"))
    theirs = installed.source_of(str(folder.parents[1] / "starlette" / "routing.py"))

    assert ours == ("pyasynq", "pyasynq/worker/threads.py")
    assert theirs == ("library", "starlette/routing.py")
    assert installed.is_machinery(str(folder.parent / "worker" / "threads.py"))
