"""The page of supported versions says what the project declares and what was recorded."""

import json
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "supported-versions.md").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
RECORD = json.loads((ROOT / "tests" / "servers.json").read_text())["results"]
REQUIREMENT = re.compile(r"([\w.-]+)(?:\[\w+\])?>=([\w.]+)")


def row(name: str) -> list[str]:
    (line,) = re.findall(rf"^\| {re.escape(name)} \| (.*) \|$", PAGE, re.MULTILINE)
    return line.split(" | ")


def recorded(server: str, title: str = "one server") -> set[str]:
    """Return the minor versions of a server on which the tests of that title were run."""
    found = [each["server"].split() for each in RECORD if each["title"].startswith(title)]
    return {version.rpartition(".")[0] for name, version in found if name == server}


def test_pythons_are_those_of_the_classifiers():
    minors = re.findall(r":: (3\.\d+)", "\n".join(PROJECT["classifiers"]))

    assert row("Python")[0].split(", ") == minors
    assert PROJECT["requires-python"] == f">={minors[0]}"


@pytest.mark.parametrize("server", ["Redis", "Valkey"])
def test_servers_are_those_on_which_tests_were_run(server):
    assert {*row(server)[0].split(", ")} == {
        *recorded(server),
        *recorded(server, "one server that denies"),
    }


@pytest.mark.parametrize(("kind", "title"), [("Sentinel", "by Sentinel"), ("Cluster", "Cluster")])
def test_kinds_were_run_on_the_servers_that_are_named(kind, title):
    assert row(kind)[0] in {f"Redis {each}" for each in recorded("Redis", title)}


def test_the_asynq_of_go_is_the_one_that_tests_run_beside():
    (version,) = re.findall(
        r"hibiken/asynq (v[\d.]+)", (ROOT / "tests" / "interop" / "go" / "go.mod").read_text()
    )

    assert row("Go Asynq")[0].startswith(f"{version},")


def test_libraries_have_the_bounds_of_the_project_and_the_versions_of_the_constraints():
    constraints = (ROOT / "requirements" / "constraints.txt").read_text()
    pins = dict(re.findall(r"^([\w.-]+)==([\w.]+)", constraints, re.MULTILINE))
    users: dict[tuple[str, ...], list[str]] = {}
    for user, needed in {"": PROJECT["dependencies"], **PROJECT["optional-dependencies"]}.items():
        for name, bound in REQUIREMENT.findall("\n".join(needed)):
            users.setdefault((name, bound, pins[name]), []).append(
                f"`{user}`" if user else "the core"
            )

    _head, *rows = re.findall(r"^\| ([a-z]\S*) \| (\S+) \| (\S+) \| (.*) \|$", PAGE, re.MULTILINE)
    assert rows == [(*library, ", ".join(named)) for library, named in users.items()]
