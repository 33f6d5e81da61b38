"""The public names of the package."""

import ast
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import pyasynq

SOURCE = Path(pyasynq.__file__)


def names_for_type_checkers():
    """Return the names that type checkers see, and the modules that they come from."""
    tree = ast.parse(SOURCE.read_text())
    block = next(each for each in tree.body if isinstance(each, ast.If))
    return {name.name: each.module for each in block.body for name in each.names}


def test_all_is_sorted():
    assert pyasynq.__all__ == sorted(pyasynq.__all__)


def test_all_is_what_type_checkers_see():
    assert set(pyasynq.__all__) == {*names_for_type_checkers(), "__version__"}


@pytest.mark.parametrize(("name", "module"), names_for_type_checkers().items())
def test_a_name_is_what_type_checkers_take_it_for(name, module):
    expected = getattr(import_module(module), name)

    assert getattr(pyasynq, name) is expected


def test_every_public_error_is_exported():
    errors = import_module("pyasynq.errors")
    own = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and value.__module__ == errors.__name__
    }

    assert own <= set(pyasynq.__all__)


def test_dir_names_what_is_exported():
    assert dir(pyasynq) == pyasynq.__all__


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'pyasynq' has no attribute 'Ap'"):
        pyasynq.Ap  # noqa: B018 - what is refused


def modules_of(folder: Path) -> list[str]:
    """Return the names of the modules in a folder."""
    return [
        ".".join(path.relative_to(SOURCE.parents[1]).with_suffix("").parts).removesuffix(
            ".__init__"
        )
        for path in sorted(folder.glob("*.py"))
        if path.name != "__main__.py"
    ]


# What lies inside the integration of Django can be imported once Django is set up.
OF_DJANGO = SOURCE.parent / "contrib" / "django"
FOLDERS = sorted(
    {
        path.parent
        for path in SOURCE.parent.rglob("*.py")
        if not path.parent.is_relative_to(OF_DJANGO)
    }
)


@pytest.mark.parametrize(
    "modules",
    [
        pytest.param(
            [name for each in FOLDERS for name in modules_of(each)[:2]], id="two a folder"
        ),
        pytest.param(
            [name for each in FOLDERS for name in modules_of(each)],
            id="all",
            marks=pytest.mark.long,
        ),
    ],
)
def test_every_module_can_be_the_first_that_is_imported(modules):
    code = """
import importlib, sys
for name in sys.argv[1:]:
    for loaded in [each for each in sys.modules if each.split(".")[0] == "pyasynq"]:
        del sys.modules[loaded]
    importlib.import_module(name)
"""

    done = subprocess.run(
        [sys.executable, "-c", code, *modules], capture_output=True, text=True, check=False
    )

    assert done.stderr == ""
    assert done.returncode == 0


def test_a_file_that_hides_a_module_which_pyasynq_needs_is_named(tmp_path):
    (tmp_path / "logging.py").write_text("answer = 42\n")

    done = subprocess.run(
        [sys.executable, "-c", "from pyasynq import App"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert re.search(
        r"ImportError: pyasynq cannot be loaded: module 'logging' has no attribute '\w+'; does "
        rf"{tmp_path}/logging.py hide the module that is meant\? then rename it\n$",
        done.stderr,
    )
