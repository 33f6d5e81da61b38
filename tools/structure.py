"""Counts rooms, arrows and circles of the source, so that two states of it can be compared.

Usage: python tools/structure.py [--ref GIT_REF] [--under FOLDER]

A *room* is what lies directly in a tree: a folder, or a file beside folders. The trees are the
package itself and every folder in it that holds further folders with code. An *arrow* leads from
one room to another whose modules it imports; it counts once, however many imports there are.
Imports in functions and under TYPE_CHECKING count too. A *circle* is a set of rooms, or of modules,
that import each other, directly or by way of others. The package's own `__init__` and `__main__`
are left out of the arrows, since they only hand out the names of other modules.
"""

import argparse
import ast
import io
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "pyasynq"
FRONT_DOORS = (PACKAGE, f"{PACKAGE}.__main__")

Graph = dict[str, set[str]]


@dataclass(frozen=True)
class Module:
    """One source file."""

    name: str
    path: Path
    text: str
    tree: ast.Module


@dataclass(frozen=True)
class Row:
    """How the rooms of one tree hang together."""

    tree: str
    rooms: int
    arrows: int
    circles: list[list[str]]


def modules_in(source: Path) -> dict[str, Module]:
    """Return the modules of the package in the folder *source*, by name."""
    found = {}
    for path in sorted((source / PACKAGE).rglob("*.py")):
        parts = path.relative_to(source).with_suffix("").parts
        name = ".".join(parts).removesuffix(".__init__")
        text = path.read_text("utf-8")
        found[name] = Module(name, path.relative_to(source), text, ast.parse(text))
    return found


def imports_of(module: Module, known: dict[str, Module]) -> set[str]:
    """Return the modules among *known* that *module* imports, wherever in its text."""
    named = (name for node in ast.walk(module.tree) for name in _names(node, known))
    return {name for name in named if name in known} - {module.name, *FRONT_DOORS}


def _names(node: ast.AST, known: dict[str, Module]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (each.name for each in node.names)
    if isinstance(node, ast.ImportFrom) and node.module is not None:
        for each in node.names:
            inner = f"{node.module}.{each.name}"
            yield inner if inner in known else node.module


def graph_of(modules: dict[str, Module]) -> Graph:
    """Return which module imports which."""
    return {
        name: imports_of(module, modules)
        for name, module in modules.items()
        if name not in FRONT_DOORS
    }


def rooms_of(graph: Graph, tree: str) -> Graph:
    """Return which room of *tree* (the name of a package) imports which."""

    def room(module: str) -> str:
        return module.removeprefix(f"{tree}.").split(".")[0]

    inside = {name for name in graph if name.startswith(f"{tree}.")}
    rooms: Graph = {room(name): set() for name in inside}
    for name in inside:
        rooms[room(name)] |= {room(other) for other in graph[name] & inside} - {room(name)}
    return rooms


def trees_of(modules: dict[str, Module]) -> list[str]:
    """Return the packages that hold further packages with code."""
    packages = {name for name, module in modules.items() if module.path.stem == "__init__"}
    with_code = {name.rpartition(".")[0] for name in modules} & packages
    return sorted({name.rpartition(".")[0] for name in with_code} - {""})


def components_of(graph: Graph) -> list[list[str]]:
    """Return the strongly connected components (Tarjan), what is imported before who imports."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(graph[node]):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            cut = stack.index(node)
            found.append(sorted(stack[cut:]))
            del stack[cut:]

    for node in sorted(graph):
        if node not in index:
            visit(node)
    return found


def circles_of(graph: Graph) -> list[list[str]]:
    """Return the components with more than one member."""
    return [each for each in components_of(graph) if len(each) > 1]


def longest_chain(graph: Graph) -> list[str]:
    """Return the longest way down the imports; of a circle one member stands for all."""
    best: dict[str, list[str]] = {}
    for members in components_of(graph):
        below = {other for name in members for other in graph[name]} - set(members)
        tail = max((best[other] for other in sorted(below)), key=len, default=[])
        best |= {name: [members[0], *tail] for name in members}
    return max(best.values(), key=len, default=[])


def longest_function(modules: dict[str, Module]) -> tuple[int, str]:
    """Return the lines and the name of the longest function, its decorators not counted."""
    return max(
        (
            ((node.end_lineno or node.lineno) - node.lineno + 1, f"{module.path}: {node.name}")
            for module in modules.values()
            for node in ast.walk(module.tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        ),
        default=(0, "-"),
    )


def report(source: Path, under: str | None = None) -> str:
    """Return the counts of the package in the folder *source*, or of a part of it, as a text."""
    top = ".".join([PACKAGE, *(under or "").replace("/", ".").split(".")]).rstrip(".")
    modules = {
        name: module
        for name, module in modules_in(source).items()
        if name == top or name.startswith(f"{top}.")
    }
    graph = graph_of(modules)
    trees = sorted({top, *(each for each in trees_of(modules) if each.startswith(top))})
    rows = [_row(graph, each) for each in trees]
    lines, longest = max(
        ((len(each.text.splitlines()), str(each.path)) for each in modules.values()),
        default=(0, "-"),
    )
    function_lines, function = longest_function(modules)
    chain = longest_chain(graph)
    packages = [each for each in modules.values() if each.path.stem == "__init__"]
    texts = [
        f"folders             {len(packages)}",
        f"files               {len(modules)}",
        f"lines               {sum(len(each.text.splitlines()) for each in modules.values())}",
        f"longest file        {lines}  {longest}",
        f"longest function    {function_lines}  {function}",
        f"imports (modules)   {sum(map(len, graph.values()))}",
        f"circles (modules)   {_text(circles_of(graph))}",
        f"longest chain       {len(chain)}  {' > '.join(map(_short, chain))}",
        "",
        f"{'tree':<28}{'rooms':>6}{'arrows':>8}  circles",
        *(f"{row.tree:<28}{row.rooms:>6}{row.arrows:>8}  {_text(row.circles)}" for row in rows),
    ]
    return "\n".join(texts)


def _row(graph: Graph, tree: str) -> Row:
    rooms = rooms_of(graph, tree)
    return Row(tree, len(rooms), sum(map(len, rooms.values())), circles_of(rooms))


def _short(name: str) -> str:
    return name.removeprefix(f"{PACKAGE}.")


def _text(circles: list[list[str]]) -> str:
    return (
        f"{len(circles)}  {'; '.join(' <> '.join(map(_short, each)) for each in circles)}".rstrip()
    )


def at_ref(ref: str, use: Callable[[Path], str]) -> str:
    """Call *use* with a temporary folder that holds the source as it was at a git ref."""
    command = ["git", "archive", "--format=tar", ref, "src"]
    archive = subprocess.run(  # noqa: S603 - git with a ref of the caller's
        command, cwd=ROOT, capture_output=True, check=True
    ).stdout
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(folder, filter="data")
        return use(Path(folder) / "src")


def main(arguments: list[str]) -> int:
    """Print the report."""
    parser = argparse.ArgumentParser(description="Count rooms, arrows and circles of the source.")
    parser.add_argument("--ref", help="a git ref; without it the working tree")
    parser.add_argument("--under", help="a folder of src/pyasynq, such as worker")
    chosen = parser.parse_args(arguments)

    def counted(source: Path) -> str:
        return report(source, chosen.under)

    print(at_ref(chosen.ref, counted) if chosen.ref else counted(ROOT / "src"))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except BrokenPipeError:  # the reader of the output has seen enough
        sys.stderr.close()
