"""What a notebook cell or a reload defines again replaces itself; two functions are a mistake."""

import importlib
import sys
import types

import pytest

from pyasynq.app import App
from pyasynq.errors import ConfigError
from pyasynq.worker.handlers.mux import ServeMux

CELL = """
@app.task("greet", aliases=["hello"])
def hello(n: int) -> int:
    return {number}

@app.middleware
async def around(ctx, call_next):
    return await call_next(ctx)

@app.lifespan
async def lifespan():
    yield {number}

@app.aggregator("group")
def merge(group, tasks):
    return None

@app.on("failed")
def note(event):
    pass

@mux.handler("email")
def handle(ctx, task):
    return {number}
"""


@pytest.fixture
def notebook():
    """Run cells one after the other in one name space."""
    module = types.ModuleType("notebook")
    module.app, module.mux = App("redis://nowhere.invalid"), ServeMux()

    def run(text, cell="<cell>"):
        exec(compile(text, cell, "exec"), module.__dict__)
        return module

    return run


@pytest.mark.parametrize("names", [("<cell>", "<cell>"), ("<cell 1>", "<cell 2>")])
def test_a_cell_that_is_run_again_replaces_what_it_has_defined(notebook, names):
    notebook(CELL.format(number=1), names[0])
    cell = notebook("\n\n" + CELL.format(number=2), names[1])

    app, mux = cell.app, cell.app.mux
    assert list(app.tasks) == ["greet", "hello"]
    assert app.tasks["hello"](0) == app.tasks["greet"](0) == 2
    assert mux.middlewares == [cell.around]
    assert [each.function for each in mux.aggregations.all()] == [cell.merge]
    assert [each.function for each in mux.listeners] == [cell.note]
    assert app._surroundings.lifespan.__wrapped__ is cell.lifespan
    assert cell.mux.route("email").handler(None, None) == 2
    assert cell.mux.route("email:more").handler(None, None) == 2


def test_a_module_that_is_reloaded_replaces_what_it_has_defined(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    shared = types.ModuleType("shared_by_a_test")
    shared.app, shared.mux = App("redis://nowhere.invalid"), ServeMux()
    monkeypatch.setitem(sys.modules, "shared_by_a_test", shared)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    path = tmp_path / "reloaded_by_a_test.py"
    start = "from shared_by_a_test import app, mux\n"

    path.write_text(start + CELL.format(number=1))
    module = importlib.import_module("reloaded_by_a_test")
    path.write_text(start + "# another line\n" + CELL.format(number=2))
    importlib.reload(module)

    assert shared.app.tasks["greet"](0) == 2
    assert shared.app.mux.middlewares == [module.around]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("@app.task\ndef f(): ...\n" * 2, "task type 'f' is registered twice: at <cell>:1 and"),
        (
            "for n in (1, 2):\n    @app.task\n    def f(): ...\n",
            "task type 'f' is registered twice: at <cell>:2 and at <cell>:2",
        ),
        (
            "def make():\n    @app.task\n    def f(): ...\nmake()\nmake()\n",
            "task type 'f' is registered twice",
        ),
        (
            "@app.task('f')\ndef f(): ...\n@app.task('f')\ndef g(): ...\n",
            "task type 'f' is registered twice",
        ),
        ("@app.lifespan\nasync def f():\n    yield\n" * 2, "this app already has a lifespan"),
        ("@app.aggregator('a')\ndef f(group, tasks): ...\n" * 2, "have an aggregator already"),
        ("@mux.handler('a')\ndef f(ctx, task): ...\n" * 2, "pattern 'a' has a handler already"),
    ],
)
def test_two_functions_of_one_text_are_a_mistake(notebook, text, fault):
    with pytest.raises(ConfigError, match=fault):
        notebook(text)


def test_a_function_of_another_name_does_not_replace_one(notebook):
    notebook("@app.task('f')\ndef f(): ...\n")

    with pytest.raises(ConfigError, match="task type 'f' is registered twice"):
        notebook("@app.task('f')\ndef g(): ...\n")


def test_the_same_function_may_be_registered_again(notebook):
    cell = notebook("def f(): ...\napp.task(f)\napp.task(f)\n")

    assert list(cell.app.tasks) == ["f"]


def test_what_no_longer_has_an_alias_does_not_keep_it(notebook):
    notebook("@app.task('f', aliases=['g'])\ndef f(): ...\n")
    cell = notebook("@app.task('f')\ndef f(): ...\n")

    assert list(cell.app.tasks) == ["f"]
