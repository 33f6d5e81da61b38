"""The tutorial: its code is that of an example, and does what the page says."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from examples.first_queue import app, deliver, greet

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "tutorial" / "first-queue.md"
EXAMPLE = ROOT / "examples" / "first_queue.py"


def test_every_snippet_is_code_that_is_run_here():
    code = EXAMPLE.read_text() + Path(__file__).read_text()
    snippets = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)

    assert len(snippets) == 5
    assert [each for each in snippets if each not in code] == []


def test_a_letter_is_delivered_at_the_second_attempt():
    with app.testing() as bench:
        deliver.enqueue("Ann")
        (first,) = bench.run_pending()
        bench.clock.advance(1)
        (second,) = bench.run_pending()

    assert isinstance(first.error, ConnectionError)
    assert second.error is None


async def test_a_coroutine_enqueues_and_waits_for_the_result():
    async with app.testing() as bench:
        handle = await greet.aenqueue("Ann")
        await bench.arun_pending()

        assert await handle.aresult(timeout=10) == "hello Ann"


@pytest.mark.slow
def test_the_file_prints_the_result_that_a_worker_stored(redis_url):
    environment = {**os.environ, "PYASYNQ_REDIS_URL": redis_url}
    command = [sys.executable, "-m", "pyasynq", "worker", "first_queue:app"]
    with subprocess.Popen(
        [*command, "--concurrency", "20"], env=environment, cwd=EXAMPLE.parent
    ) as worker:
        try:
            done = subprocess.run(
                [sys.executable, EXAMPLE.name],
                env=environment,
                cwd=EXAMPLE.parent,
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            worker.terminate()

    assert (done.stdout, done.stderr) == ("hello Ann\n", "")
    assert worker.returncode == 0
