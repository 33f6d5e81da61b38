"""The tutorial: its code is that of an example, and commands show what the page says."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from examples.first_queue import app, deliver, greet
from pyasynq.cli.main import pyasynq
from tests.support.eventually import eventually
from tests.support.pages import blocks

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "tutorial" / "first-queue.md"
EXAMPLE = ROOT / "examples" / "first_queue.py"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")


def test_the_snippets_are_the_example_and_its_test():
    code = re.sub(r"\n+", "\n", EXAMPLE.read_text())
    *snippets, test = [re.sub(r"\n+", "\n", each) for each in blocks(PAGE)]

    assert len(snippets) == 6
    assert [each for each in snippets if each not in code] == []
    assert test.startswith("from first_queue import app, deliver\n")


def test_a_letter_is_delivered_at_the_second_attempt():
    with app.testing() as harness:
        deliver.enqueue("Ann")
        (first,) = harness.run_pending()
        harness.clock.advance(1)
        (second,) = harness.run_pending()

    assert isinstance(first.error, ConnectionError)
    assert second.error is None


async def test_a_coroutine_enqueues_and_waits_for_the_result():
    async with app.testing() as harness:
        handle = await greet.aenqueue("Ann")
        await harness.arun_pending()

        assert await handle.aresult(timeout=10) == "hello Ann"


@pytest.mark.slow
def test_commands_show_what_the_page_says(redis_url, tmp_path):
    environment = {**os.environ, "PYASYNQ_REDIS_URL": redis_url}
    log = tmp_path / "log"

    def run(*command: str) -> str:
        done = subprocess.run(
            command, env=environment, cwd=EXAMPLE.parent, capture_output=True, text=True, check=True
        )
        assert done.stderr == ""
        return done.stdout

    with log.open("w") as output:
        worker = subprocess.Popen(
            [sys.executable, "-m", "pyasynq", "worker", "first_queue:app"],
            env=environment,
            cwd=EXAMPLE.parent,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        printed = [run(sys.executable, EXAMPLE.name), run(sys.executable, EXAMPLE.name)]
        (task_id,) = UUID.findall(printed[1])
        shown = [
            shown_by(UUID.sub(task_id, command), redis_url)
            for command in re.findall(r"^\$ pyasynq (.*)$", PAGE.read_text(), re.MULTILINE)
        ]
        eventually(lambda: log.read_text().count("delivered at attempt 2\n") == 2)
    finally:
        worker.terminate()
        worker.wait()

    assert printed[0] == "hello Ann\n"
    fences = re.findall(r"(?ms)^```(\w*)\n(.*?)^```$", PAGE.read_text())
    said = [shape(text) for language, text in fences if not language]
    really = "\n".join(shape(each) for each in [log.read_text(), printed[1], *shown])
    assert len(shown) == 4
    assert [line for each in said for line in each.splitlines() if line not in really] == []


def shown_by(command: str, url: str) -> str:
    """Return what a command prints."""
    environment = {"PYASYNQ_REDIS_URL": url}
    return CliRunner().invoke(pyasynq, shlex.split(command), env=environment).stdout


def shape(text: str) -> str:
    """Return *text* without the command, and without what differs from one run to the next."""
    text = re.sub(r"^\$ .*\n", "", text)
    text = re.sub(r" +\d+s ago", "", text)  # nothing, if it is too early
    text = re.sub(r"^\d{4}-\S+ [\d:,]+ ", "", text, flags=re.MULTILINE)
    text = re.sub(r"\[[0-9a-f]{8}\]", "[ID]", UUID.sub("ID", text))
    text = re.sub(r"(\d+[hms] ?)+|\d+(\.\d+)? ms|\d+\.\d+ s", "TIME", text)
    return re.sub(r"[ -]+", " ", re.sub(r"\d+", "N", text))
