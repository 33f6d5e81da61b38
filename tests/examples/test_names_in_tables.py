"""The tables beside other queues: each name of ours in them exists, with its keyword arguments.

The last column of a row is ours. Command lines are checked with those of all other pages.
"""

import ast
import builtins
import inspect
import logging
import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest

import pyasynq
from pyasynq import (
    App,
    Batch,
    Client,
    ConnectionOptions,
    EventName,
    Inspector,
    ServeMux,
    Server,
    ServerInfo,
    TaskContext,
    TaskInfo,
    TaskState,
)
from pyasynq.app.harness.harness import AppHarness
from pyasynq.app.harness.options import HarnessOptions
from pyasynq.app.keywords import TaskKeywords
from pyasynq.options import OptionKeywords

GUIDES = Path(__file__).parents[2] / "docs" / "guides"
PAGES = (
    *("migrating-from-celery", "migrating-from-rq", "migrating-from-arq"),
    *("coming-from-other-queues", "beside-go-asynq"),
)
NO_PYTHON = {  # texts of failures, a variable of the environment, a file, a program
    *("context deadline exceeded", "asynq: task lease expired", '"@every 90s"'),
    *("the process of the handler ended by signal 9 (SIGKILL)", "pyproject.toml", "python"),
    "PYASYNQ_REDIS_URL",
}
OF_THE_READER = {"a", "b", "id", "args", "calls", "kwargs", "m", "payload", "send", "tasks", "url"}
OF_THE_READER |= {"base", "delay", "factor", "jitter", "maximum", "state", "type"}  # or a word
OF_A_URL = {"connect_timeout", "max_connections"}
OTHER_WORDS = {*OF_THE_READER, *vars(builtins), "CancelledError", "timedelta", "call"}


def codes(page):
    """Yield each code in the last column of the tables of a page."""
    for line in (GUIDES / f"{page}.md").read_text().splitlines():
        if line.startswith("| "):
            cell = re.split(r"(?<!\\)\|", line.strip("| "))[-1]
            yield from re.findall(r"`([^`]+)`", cell)


def python(code):
    """Return what Python can read of a code, or nothing if it is a command, a flag or a URL."""
    if code in NO_PYTHON or re.match(r"pyasynq |-|[a-z-]+://", code):
        return ""
    text = re.sub(r"^(@|\.|await |raise )", "", code).replace("…", "...")
    if re.match(r"\w+=", text):
        return f"call({text})" if not text.endswith("=") else f"call({text}...)"
    return f"{text} ..." if text.endswith(":") else text


@pytest.fixture(scope="module")
def things():
    app = App("redis://127.0.0.1:1")
    task = app.task(print_it)
    inspector = Inspector("redis://127.0.0.1:1")
    yield {
        **{name: getattr(pyasynq, name) for name in pyasynq.__all__},
        **dict.fromkeys(("task", "func", "fetch"), task),
        **{name: getattr(task, name) for name in ("options", "enqueue", "aenqueue")},
        "app": app,
        "handle": task.handle("id"),
        "ctx": TaskContext,
        "harness": AppHarness,
        "client": Client,
        "server": Server,
        "mux": ServeMux,
        "logging": logging,
        "inspector": inspector,
    }
    inspector.close()
    app.close()


def print_it(n: int = 1, a: int = 2) -> None:
    print(n, a)


@pytest.fixture(scope="module")
def keywords(things):
    return {
        *OF_A_URL,
        *(
            name
            for each in (OptionKeywords, TaskKeywords, HarnessOptions)
            for name in each.__annotations__
        ),
        *(name for each in (App, things["app"].periodic) for name in taken_by(each)),
    }


@pytest.fixture(scope="module")
def words(things, keywords):
    return {
        *things,
        *keywords,
        *OTHER_WORDS,
        *(field.name for each in (TaskInfo, ServerInfo) for field in fields(each)),
        *(
            name
            for each in (Batch, things["task"], things["inspector"].queues)
            for name in dir(each)
        ),
    }


def taken_by(function):
    """Return the keyword arguments of a function, with those of a TypedDict; None for any."""
    found = inspect.signature(function).parameters
    names = set(found)
    for each in found.values():
        if each.kind is each.VAR_KEYWORD:
            (unpacked,) = get_args(each.annotation) or (None,)
            if unpacked is None:
                return None
            names |= set(unpacked.__annotations__)
    return names


def meaning(node, things):
    """Return the thing that an expression of the tables means, None if it is no name of ours."""
    match node:
        case ast.Name(name):
            return things.get(name)
        case ast.Attribute(of, name):
            return getattr(meaning(of, things), name, None)
        case ast.Call(ast.Attribute(_, "info")):
            return TaskInfo
        case ast.Call(ast.Attribute(_, "server")):
            return Server
        case ast.Call(ast.Attribute(task, "options")):
            return meaning(task, things)
        case ast.Call(function):
            return meaning(function, things)
    return None


def faults(node, things, keywords, words):
    match node:
        case ast.Name(name) if name not in words:
            yield name
        case ast.Attribute(of, name) if not hasattr(meaning(of, things), name):
            yield ast.unparse(node)
        case ast.Call(function, _, given):
            found = meaning(function, things)
            taken = keywords if found is None else taken_by(found) if given else None
            yield from (
                f"{each.arg}=" for each in given if taken and each.arg not in {*taken, None}
            )


@pytest.mark.parametrize("page", PAGES)
def test_each_name_of_ours_in_the_tables_exists(page, things, keywords, words):
    wrong = {
        code: found
        for code in codes(page)
        for tree in [ast.parse(python(code))]
        if (
            found := [
                each for node in ast.walk(tree) for each in faults(node, things, keywords, words)
            ]
        )
    }

    assert wrong == {}


@pytest.mark.parametrize("page", PAGES)
def test_each_event_and_state_in_the_tables_exists(page):
    quoted = {word for code in codes(page) for word in re.findall(r'(?:on\(|^)"(\w+)"', code)}

    assert quoted <= {*get_args(EventName), *(state.value for state in TaskState)}


def test_the_names_that_belong_into_a_url_are_read_there():
    query = "&".join(f"{name}=1" for name in sorted(OF_A_URL))

    options = ConnectionOptions.from_url(f"redis://localhost?{query}")

    assert (options.connect_timeout_s, options.max_connections) == (1, 1)
