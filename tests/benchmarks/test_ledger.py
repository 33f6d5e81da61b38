"""What a killed worker has started, and what its successor starts, is read from files."""

import time

import pytest

from benchmarks.measure import ledger as module
from benchmarks.measure.ledger import Ledger
from benchmarks.measure.program import ProgramFailedError


def test_each_task_counts_from_its_first_start_and_repeated_starts_are_counted(tmp_path):
    ledger = Ledger(tmp_path / "starts")
    ledger.path.write_text("1\n2\n")
    ledger.wait_until(2, 0.001, end_s=time.monotonic() + 60)
    first = dict(ledger.seen)
    with ledger.path.open("a") as file:
        file.write("2\n3\n")

    assert ledger.look() == 2
    assert {number: ledger.seen[number] for number in "12"} == first
    assert (sorted(ledger.seen), ledger.repeated) == (["1", "2", "3"], 1)


def test_what_is_not_there_when_the_time_is_up_is_left_out(tmp_path):
    ledger = Ledger(tmp_path / "starts")

    ledger.wait_until(1, 0.001, end_s=time.monotonic())

    assert ledger.seen == {}


def test_a_worker_that_starts_nothing_is_a_failure(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LIMIT_S", 0.01)

    with pytest.raises(ProgramFailedError, match="no task has started"):
        Ledger(tmp_path / "starts").wait_until_steady(0.001, 0.001)
