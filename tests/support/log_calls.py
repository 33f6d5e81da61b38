"""Every line that pyasynq can log, read from its source: for the page that explains them.

What is filled in when a line is logged is shown as ``…``; of a piece that is one of several fixed
texts, each makes a line of its own.
"""

import ast
import itertools
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pyasynq

ROOT = Path(pyasynq.__file__).parent
FILLED = "…"
METHODS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
SERVING = ("pyasynq.server", "pyasynq.scheduler")

LOGS = re.compile(rf"\blog(ger)?\.({'|'.join(METHODS)})\(|_log\.|LoggedOnce\(")

# Files whose loggers are given by callers, and what these give.
LOGGERS_OF_CALLERS = {
    "lifecycle/outage.py": SERVING,
    "lifecycle/replicas.py": SERVING,
    "lifecycle/component.py": ("pyasynq.…",),
}
# Lines that are nothing but "%s", by file and method: the functions that return or yield the
# texts, with the text around them.
BUILT_ELSEWHERE = {
    ("worker/server.py", "info"): ("worker/start_report.py", ("start_line",), "{}"),
    ("worker/server.py", "warning"): (
        "worker/start_report.py",
        ("start_warnings", "eviction_warnings", "_misdirected"),
        "{}",
    ),
    ("worker/task_log.py", "log"): ("worker/task_log.py", ("_description",), "…[…] {}: …"),
}


class LogLine(NamedTuple):
    """A line that can be logged; `levels` is empty if it depends on what happens."""

    logger: str
    text: str
    levels: frozenset[str]
    place: str


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


class Scope:
    """What names stand for in a function of a module, as far as that is fixed text."""

    def __init__(self, path: Path, function: ast.AST | None) -> None:
        self.path = path
        given = list(assigned(function)) if is_function(function) else []
        names = Counter(name for name, _value in given)
        self._locals = {name: value for name, value in given if names[name] == 1}

    def texts(self, node: ast.AST) -> list[str] | None:
        """Return the texts that *node* can be; None if they are not fixed."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return [node.value]
        if isinstance(node, ast.IfExp):
            either = self.texts(node.body), self.texts(node.orelse)
            return None if None in either else [*either[0], *either[1]]
        if isinstance(node, ast.JoinedStr):
            parts = [self.texts(each) or [FILLED] for each in node.values]
            return ["".join(each) for each in itertools.product(*parts)]
        if isinstance(node, ast.FormattedValue):
            found = self.texts(node.value)
            return found or [f"'{FILLED}'" if node.conversion == ord("r") else FILLED]
        if isinstance(node, ast.Name):
            value = self._locals.get(node.id)
            return self.texts(value) if value is not None else constant(self.path, node.id)
        return None


def assigned(function: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    for node in ast.walk(function):
        if isinstance(node, ast.Assign):
            target = node.targets[0]
            if isinstance(target, ast.Name):
                yield target.id, node.value
            elif isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
                for name, value in zip(target.elts, node.value.elts, strict=True):
                    if isinstance(name, ast.Name):
                        yield name.id, value


def constant(path: Path, name: str) -> list[str] | None:
    """Return a constant of a module, or of the one that it is imported from."""
    if name.startswith("__"):
        return None  # the version
    for node in tree_of(path).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
            return Scope(path, None).texts(node.value)
        if isinstance(node, ast.ImportFrom) and any(each.name == name for each in node.names):
            home = ROOT.parent / (node.module or "").replace(".", "/")
            return constant(home.with_suffix(".py"), name) if home.parts else None
    return None


def lines_of(path: Path) -> Iterator[LogLine]:
    """Yield the lines of one file."""
    tree = tree_of(path)
    own = own_logger(tree)
    for function in [tree, *(each for each in ast.walk(tree) if is_function(each))]:
        calls = [each for each in calls_in(function) if is_of_a_log(each)]
        scope = Scope(path, function) if calls else None
        for node in calls:
            yield from lines_of_call(node, scope, own)


def own_logger(tree: ast.Module) -> str:
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "logger":
            return node.value.args[0].value
    return ""


def is_function(node: ast.AST | None) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)


def calls_in(function: ast.AST) -> Iterator[ast.Call]:
    """Yield the calls of a function itself, not those of functions in it."""
    for node in ast.iter_child_nodes(function):
        if isinstance(node, ast.Call):
            yield node
        if not is_function(node):
            yield from calls_in(node)


def is_of_a_log(call: ast.Call) -> bool:
    if isinstance(call.func, ast.Name):
        return call.func.id == "LoggedOnce"
    if not (isinstance(call.func, ast.Attribute) and call.func.attr in METHODS):
        return False
    receiver = call.func.value
    name = getattr(receiver, "attr", "") or getattr(receiver, "id", "")
    return name in ("logger", "log", "_log")


def lines_of_call(call: ast.Call, scope: Scope, own: str) -> Iterator[LogLine]:
    file = scope.path.relative_to(ROOT).as_posix()
    place = f"src/pyasynq/{file}:{call.lineno}"
    if isinstance(call.func, ast.Name):  # a LoggedOnce
        loggers = [own] if ast.unparse(call.args[0]) == "logger" else LOGGERS_OF_CALLERS[file]
        over = [each.value for each in call.keywords if each.arg == "over"]
        for logger in loggers:
            yield from made(logger, filled([call.args[1]], scope), "ERROR", place)
            for each in over:
                yield from made(logger, filled([each], scope), "INFO", place)
        return
    receiver, method = ast.unparse(call.func.value), call.func.attr
    arguments = call.args[1:] if method == "log" else call.args
    if isinstance(arguments[0], ast.Attribute):  # of LoggedOnce, whose texts its makers give
        return
    level = {"exception": "ERROR", "log": ""}.get(method, method.upper())
    for logger in [own] if receiver == "logger" else LOGGERS_OF_CALLERS[file]:
        is_built = scope.texts(arguments[0]) == ["%s"]
        texts = built_elsewhere(file, method) if is_built else filled(arguments, scope)
        yield from made(logger, texts, level, place)


def filled(arguments: list[ast.AST], scope: Scope) -> list[str]:
    """Return the texts of a call, with those of its arguments that are fixed."""
    formats = scope.texts(arguments[0])
    if formats is None:
        raise AssertionError(f"no fixed text: {scope.path}:{arguments[0].lineno}")
    fixed = [(is_fixed(each) and scope.texts(each)) or [FILLED] for each in arguments[1:]]
    return [
        as_shown(text, iter(values)) for text in formats for values in itertools.product(*fixed)
    ]


def is_fixed(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant | ast.IfExp | ast.Name)


def as_shown(text: str, values: Iterator[str]) -> str:
    def value(found: re.Match[str]) -> str:
        given = next(values, FILLED)
        return f"'{given}'" if found[0] == "%r" else given

    return re.sub(r"%(\.\d+)?[a-z]", value, text)


def built_elsewhere(file: str, method: str) -> list[str]:
    home, names, around = BUILT_ELSEWHERE[file, method]
    path = ROOT / home
    functions = [
        each for each in ast.walk(tree_of(path)) if is_function(each) and each.name in names
    ]
    assert {each.name for each in functions} == set(names)
    texts = [
        text
        for function in functions
        for node in ast.walk(function)
        if isinstance(node, ast.Return | ast.Yield) and node.value is not None
        for text in Scope(path, function).texts(node.value) or []
    ]
    return [around.format(text) for text in texts]


def made(logger: str, texts: list[str] | None, level: str, place: str) -> Iterator[LogLine]:
    if texts is None:
        raise AssertionError(f"no fixed text: {place}")
    for text in texts:
        levels = frozenset({level} - {""})
        yield LogLine(logger, text.partition("\n")[0], levels, place)


@cache
def all_lines() -> list[LogLine]:
    """Return every line; one that is logged at several places has the levels of all of them."""
    found: dict[tuple[str, str], LogLine] = {}
    for path in sorted(ROOT.rglob("*.py")):
        if not LOGS.search(path.read_text()):
            continue
        for line in lines_of(path):
            before = found.get((line.logger, line.text))
            levels = line.levels | (before.levels if before else frozenset())
            found[line.logger, line.text] = line._replace(levels=levels)
    return sorted(found.values())
