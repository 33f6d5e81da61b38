"""The examples, as an application's own tests would test them."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_example_begins_with_what_it_shows():
    assert [
        path.name for path in EXAMPLES.glob("*.py") if not path.read_text().startswith('"""')
    ] == []


def test_a_batch_ends_by_itself_and_sums_up(redis_url):
    done = subprocess.run(
        [sys.executable, "batch.py", "1500"],
        env={**os.environ, "PYASYNQ_REDIS_URL": redis_url},
        cwd=EXAMPLES,
        capture_output=True,
        text=True,
        check=False,
    )

    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert "  1497 of 1497: 1495 done, 2 failed, 0 left" in lines
    assert "149 cards are valid, 1346 are not" in lines
    assert lines[-3].startswith("not enqueued: row 499: $.order: expected int, got str ('n/a')")
    assert len(lines) >= 6


def test_a_stale_connection_is_replaced_in_the_thread_of_the_handlers(
    tmp_path, monkeypatch, capsys
):
    example = load("database")
    monkeypatch.setattr(example, "DATABASE", tmp_path / "orders.db")

    with example.app.testing() as harness:
        for task in (example.count, example.restart, example.count, example.restart):
            task.enqueue()
        handled = harness.run_pending()

    assert [each.error for each in handled] == [None] * 4
    assert [each.result for each in handled] == [0, None, 0, None]
    assert capsys.readouterr().out.count("count took") == 2


@pytest.fixture
def library(tmp_path, monkeypatch):
    example = load("measure_library")
    monkeypatch.setattr(example, "LEDGER", tmp_path / "ledger.jsonl")
    example.LEDGER.touch()
    return example


def test_findings_are_collected_in_one_task_and_ranked(library, tmp_path):
    short, long = tmp_path / "short.py", tmp_path / "long.py"
    short.write_text("def one():\n    pass\n")
    long.write_text("def many():\n" + "    pass\n" * 9)

    with library.app.testing(scheduler=False) as harness:
        library.app.enqueue_many([library.measure.bind(str(path)) for path in (short, long)])
        assert [each.type for each in harness.run_pending()] == ["library:measure"] * 2
        harness.clock.advance(1)
        assert [each.type for each in harness.run_pending()] == ["library:collect"]
        handle = library.longest_functions.enqueue(1)
        harness.run_pending()

        (longest,) = handle.result(0)
    assert longest == library.Finding(str(long), 1, "many", 10)


def test_a_tick_is_written_down_each_second(library):
    with library.app.testing() as harness:
        harness.clock.advance(3)
        harness.run_pending(raises=True)

    assert [each["kind"] for each in library.ledger() if each["kind"] == "tick"] == ["tick"] * 3


def test_a_broken_file_is_retried_after_a_second_and_then_archived(library, tmp_path):
    broken = tmp_path / "broken.py"
    broken.write_text("def broken(:\n")

    with library.app.testing(scheduler=False) as harness:
        handle = library.measure.enqueue(str(broken))
        attempts = []
        for _ in range(3):
            attempts += harness.run_pending()
            harness.clock.advance(1)

        assert [type(each.error) for each in attempts] == [SyntaxError] * 3
        assert handle.info().state == "archived"


def test_a_reminder_waits_for_its_time(library):
    with library.app.testing(scheduler=False) as harness:
        library.remind.options(process_in=2.5).enqueue(1, 0.0)
        harness.clock.advance(2)
        assert harness.run_pending() == []
        harness.clock.advance(0.5)
        harness.run_pending()

    kinds = [json.loads(line)["kind"] for line in library.LEDGER.read_text().splitlines()]
    assert kinds == ["reminder", "attempt"]
