"""Runs the tests that talk to Redis on other servers and on other kinds of Redis, and counts.

Usage: python tools/run_on_servers.py [--only NAMES] [--record] [ARGUMENT OF PYTEST ...]

NAMES are some of `TARGETS`, in one argument; all if none is given. A server that cannot be had on
this machine is named and passed over. With --record, the counts are kept in tests/servers.json,
beside those of targets that were not run, and written into docs/reference/connections.md.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import servers
import servers_page
from servers import ROOT, ServerAbsentError

RECORD = ROOT / "tests" / "servers.json"
PAGE = ROOT / "docs" / "reference" / "connections.md"
BEHIND_A_PROXY = "tests/worker/test_behind_a_proxy.py"
ROOMS = tuple(f"tests/{room}" for room in ("broker", "client", "inspector", "scheduler", "worker"))
HEADS = ("target", "server", "passed", "failed", "not run", "seconds")
JOBS = os.environ.get("JOBS", "2")


@dataclass(frozen=True, kw_only=True)
class Target:
    """What tests can run on.

    Attributes:
        title: what the table calls it.
        kind: of Redis, as pytest's option --redis has it.
        program: of the server, one of `servers.WHEELS`; empty: the one that is installed.
        proxy: a program that tests start, one of `servers.WHEELS`, too; empty: none.
        tests: what pytest is told to run.
    """

    title: str
    kind: str = "single"
    program: str = ""
    proxy: str = ""
    tests: tuple[str, ...] = (*ROOMS, f"--ignore={BEHIND_A_PROXY}")


TARGETS: Mapping[str, Target] = {
    "installed": Target(title="one server"),
    "redis-6.2": Target(title="one server", program="redis-6.2"),
    "redis-8.2": Target(title="one server", program="redis-8.2"),
    "valkey-8.1": Target(title="one server", program="valkey-8.1"),
    "valkey-9.1": Target(title="one server", program="valkey-9.1"),
    "sentinel": Target(title="by Sentinel", kind="sentinel"),
    "cluster": Target(title="Cluster of three", kind="cluster"),
    "cluster-valkey-9.1": Target(title="Cluster of three", kind="cluster", program="valkey-9.1"),
    "twemproxy": Target(
        title="twemproxy before two servers",
        tests=(BEHIND_A_PROXY, "tests/connection/transport/test_login_async.py", "-k", "not envoy"),
    ),
    "envoy": Target(
        title="Envoy before two servers", proxy="envoy", tests=(BEHIND_A_PROXY, "-k", "envoy")
    ),
    "restricted": Target(
        title="one server that denies commands", tests=("tests/worker/test_restricted_redis.py",)
    ),
}


@dataclass(kw_only=True)
class Result:
    """What became of the tests on one target.

    Attributes:
        server: the program and its version.
        passed_alone: how many of those that passed did so only when they were run once more, by
            themselves: some tests need a machine that is not too busy.
        not_run: how many tests were skipped, by the reason.
        failures: the tests that failed, also when they were run once more, alone.
        said: why no test was run; empty if some were.
    """

    name: str
    server: str = ""
    passed: int = 0
    failed: int = 0
    passed_alone: int = 0
    not_run: dict[str, int] = field(default_factory=dict)
    seconds: int = 0
    failures: list[str] = field(default_factory=list)
    said: str = ""


def run(name: str, arguments: Sequence[str]) -> Result:
    """Run the tests on one target, and let pytest print what it does."""
    target, result = TARGETS[name], Result(name=name)
    print(f"\n== {name}", flush=True)
    try:
        program = servers.program(target.program) if target.program else servers.installed()
        environment = os.environ | {"PYASYNQ_REDIS_SERVER": str(program)}
        if target.proxy:
            folder = servers.program(target.proxy).parent
            environment["PATH"] = f"{folder}{os.pathsep}{environment['PATH']}"
        result.server = servers.version(program)
    except ServerAbsentError as error:
        result.said = str(error)
        return result
    begun = time.monotonic()
    options = ["--redis", target.kind, *arguments]
    report = _pytest([*options, "-n", JOBS, "-m", "not long", *target.tests], environment)
    if report is None:
        result.said, result.failed = "pytest did not run", 1
        return result
    count(result, report)
    # What could not be imported has no name by which it could be run again.
    named = [test for test in result.failures if not test.startswith(".py")]
    again = _pytest([*options, *named], environment) if named else None
    if again is not None:
        settle(result, again)
    result.seconds = round(time.monotonic() - begun)
    return result


def _pytest(arguments: Sequence[str], environment: Mapping[str, str]) -> ET.Element | None:
    """Let pytest run and print; return its report, None if it did not come to that."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={path}", *arguments]
        subprocess.run(command, cwd=ROOT, env=environment, check=False)  # noqa: S603 - our tests
        return ET.parse(path).getroot() if path.exists() else None  # noqa: S314 - by pytest


def count(result: Result, report: ET.Element) -> None:
    """Note what the report of all tests tells."""
    outcomes = list(_outcomes(report))
    reasons = Counter(reason for _test, _has_failed, reason in outcomes if reason)
    result.not_run = dict(reasons.most_common())
    result.failures = sorted({test for test, has_failed, _reason in outcomes if has_failed})
    result.failed = len(result.failures)
    result.passed = len({test for test, *_ in outcomes}) - result.failed - reasons.total()


def settle(result: Result, report: ET.Element) -> None:
    """Note which of the failed tests pass when they are run once more, by themselves."""
    passed = {test for test, has_failed, why in _outcomes(report) if not (has_failed or why)}
    failed = {test for test, has_failed, _why in _outcomes(report) if has_failed}
    settled = passed - failed
    result.passed_alone = len(settled.intersection(result.failures))
    result.passed += result.passed_alone
    result.failed -= result.passed_alone
    result.failures = [test for test in result.failures if test not in settled]


def _outcomes(report: ET.Element) -> Iterator[tuple[str, bool, str]]:
    """Yield each test, whether it has failed, and why it was skipped; empty if it was not."""
    for case in report.iter("testcase"):
        test = f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name')}"
        skipped = case.find("skipped")
        has_failed = case.find("failure") is not None or case.find("error") is not None
        yield test, has_failed, skipped.get("message", "") if skipped is not None else ""


def as_text(results: Sequence[Result]) -> str:
    """Return a table of the counts, then the reasons for what was not run, then what failed."""
    rows = [HEADS, *(_row(each) for each in results)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADS))]
    lines = [
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)  # noqa: PLR2004 - names
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    for each in results:
        lines += [f"{each.name}: not run: {each.said}"] if each.said else []
        lines += [f"{each.name}: {number} not run: {why}" for why, number in each.not_run.items()]
        lines += [f"{each.name}: failed: {test}" for test in each.failures]
    return "\n".join(lines)


def _row(result: Result) -> tuple[str, ...]:
    numbers = result.passed, result.failed, sum(result.not_run.values()), result.seconds
    return result.name, result.server or "absent", *map(str, numbers)


def recorded(results: Sequence[Result], before: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record with new results in the place of older ones, in the order of `TARGETS`."""
    known = {each["name"]: each for each in before.get("results", ())}
    for result in results:
        if not result.said:
            target = {"title": TARGETS[result.name].title, "kind": TARGETS[result.name].kind}
            known[result.name] = target | asdict(result)
    return {
        "measured_at": time.strftime("%Y-%m-%d", time.gmtime()),
        "python": platform.python_version(),
        "results": [known[name] for name in TARGETS if name in known],
    }


def keep(results: Sequence[Result]) -> None:
    """Write the record, and the page that shows it."""
    before = json.loads(RECORD.read_text("utf-8")) if RECORD.exists() else {}
    record = recorded(results, before)
    RECORD.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    PAGE.write_text(servers_page.rendered(PAGE.read_text("utf-8"), record), "utf-8")


def main() -> None:
    """Run, print the table, and exit with 1 if a test failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", help=f"some of: {' '.join(TARGETS)}")
    parser.add_argument("--record", action="store_true", help="keep the counts, write the page")
    given, arguments = parser.parse_known_args()
    names = given.only.split() or list(TARGETS)
    unknown = [name for name in names if name not in TARGETS]
    if unknown:
        parser.error(f"no such target: {' '.join(unknown)}; there are: {' '.join(TARGETS)}")
    results = [run(name, arguments) for name in names]
    print(f"\n{as_text(results)}")
    if given.record:
        keep(results)
    sys.exit(any(each.failed for each in results))


if __name__ == "__main__":
    main()
