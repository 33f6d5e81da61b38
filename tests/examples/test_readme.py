"""README: its code does what the page says."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.eventually import eventually

README = Path(__file__).parents[2] / "README.md"
APPLICATION, TEST = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)


@pytest.fixture
def application(monkeypatch) -> ModuleType:
    module = ModuleType("app")
    monkeypatch.setitem(sys.modules, "app", module)
    exec(compile(APPLICATION, "app.py", "exec"), vars(module))
    return module


def test_the_code_has_about_twenty_lines():
    lines = [line for line in APPLICATION.splitlines() if line.strip()]

    assert len(lines) <= 20


def test_the_test_passes(application):
    names: dict = {}
    exec(compile(TEST, "test_app.py", "exec"), names)

    names["test_a_user_is_welcomed"]()


def test_the_plain_function_fails_once_and_then_prints(application, capsys):
    with application.app.testing() as harness:
        application.resize.enqueue("cat.png", 640)
        (first,) = harness.run_pending()
        harness.clock.advance(2)
        (second,) = harness.run_pending()

    assert str(first.error) == "cat.png is not there yet"
    assert second.error is None
    assert capsys.readouterr().out == "attempt 2: cat.png is now 640 px wide\n"


@pytest.mark.long
def test_a_worker_runs_both_tasks_and_the_file_prints_the_result(tmp_path, redis_url):
    (tmp_path / "app.py").write_text(APPLICATION)
    environment = {**os.environ, "PYASYNQ_REDIS_URL": redis_url}
    log = tmp_path / "log"
    with (
        log.open("wb") as lines,
        subprocess.Popen(
            [sys.executable, "-m", "pyasynq", "dev", "app:app", "--no-ui", "--no-reload"],
            env=environment,
            cwd=tmp_path,
            stdout=lines,
            stderr=lines,
        ) as worker,
    ):
        done = subprocess.run(
            [sys.executable, "app.py"],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        eventually(lambda: "attempt 2: cat.png is now 640 px wide" in log.read_text())
        worker.terminate()

    assert (done.stdout, done.stderr) == ("welcome, user 42 (html)\n", "")
    assert "OSError: cat.png is not there yet [app.py:14]" in log.read_text()
