"""The counts of tools/structure.py, on a small package and on our own."""

from pathlib import Path

import pytest

from tools import structure

SOURCE = Path(__file__).parents[2] / "src"
FILES = {
    "__init__.py": "from pyasynq.top import Top\n",
    "top.py": "def start():\n    from pyasynq.shop.till import pay\n    return pay\n",
    "base.py": "",
    "shop/__init__.py": "",
    "shop/till.py": "import pyasynq.base\nfrom pyasynq.shop.back import shelf\n",
    "shop/door.py": "from pyasynq.base import x, y\nfrom pyasynq.shop import till\n",
    "shop/back/__init__.py": "",
    "shop/back/shelf.py": (
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from pyasynq.shop.till import Till\n"
    ),
}


@pytest.fixture
def small(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / "pyasynq" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def value(report: str, name: str) -> str:
    (line,) = (each for each in report.splitlines() if each.startswith(name))
    return line.removeprefix(name).strip()


def test_rooms_arrows_and_circles_are_counted_for_each_tree(small):
    report = structure.report(small)

    assert value(report, "pyasynq ") == "3       2  0"
    assert value(report, "pyasynq.shop ") == "3       3  1  back <> till"


def test_imports_in_functions_and_for_type_checkers_count(small):
    report = structure.report(small)

    assert value(report, "imports (modules)") == "6"
    assert value(report, "circles (modules)") == "1  shop.back.shelf <> shop.till"
    assert value(report, "longest chain") == "3  shop.door > shop.back.shelf > base"


def test_a_part_is_counted_alone(small):
    report = structure.report(small, "shop")

    assert value(report, "files") == "5"
    assert "pyasynq " not in report


def test_the_longest_file_and_function_are_named(small):
    report = structure.report(small)

    assert value(report, "longest file") == "3  pyasynq/top.py"
    assert value(report, "longest function") == "3  pyasynq/top.py: start"


def test_no_modules_of_ours_import_each_other_in_a_circle():
    graph = structure.graph_of(structure.modules_in(SOURCE))

    assert structure.circles_of(graph) == []
