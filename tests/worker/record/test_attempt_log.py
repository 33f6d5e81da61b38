"""What waits to be written is bounded in number and in bytes, and is written in bounded calls."""

import asyncio

import pytest

from pyasynq.clock import FakeClock, to_datetime
from pyasynq.wire.attempts import AttemptRecord
from pyasynq.wire.keys import queue_keys
from pyasynq.worker.record import attempt_log
from pyasynq.worker.record.attempt_log import AttemptLog
from pyasynq.worker.task_history import TaskHistory
from tests.support.builders import NOW_NS

MAIL, ADS = queue_keys("mail"), queue_keys("ads")


def make_log(**settings):
    dropped = []
    log = AttemptLog(
        TaskHistory(**settings), FakeClock(to_datetime(NOW_NS)), on_drop=dropped.append
    )
    return log, dropped


def add(log, number, *, keys=MAIL, **fields):
    log.add(keys, f"t{number}", AttemptRecord(number=number, **fields), at_us=number)


def ids(waiting):
    return [each.attempt.task_id for each in waiting]


def test_of_too_many_attempts_the_oldest_are_dropped(monkeypatch):
    monkeypatch.setattr(attempt_log, "MOST_WAITING", 3)
    log, dropped = make_log()

    for number in range(5):
        add(log, number)

    assert (ids(log.take()), dropped) == (["t2", "t3", "t4"], ["mail", "mail"])
    assert len(log) == 0


def test_of_too_many_bytes_the_oldest_are_dropped(monkeypatch):
    monkeypatch.setattr(attempt_log, "MOST_WAITING_BYTES", 4000)
    log, dropped = make_log()

    for number in range(5):
        add(log, number, traceback="x" * 1000)

    assert (len(log.take()), len(dropped)) == (3, 2)


def test_what_is_put_back_comes_before_what_has_come_meanwhile(monkeypatch):
    monkeypatch.setattr(attempt_log, "MOST_WAITING", 3)
    log, dropped = make_log()
    add(log, 1)
    add(log, 2)
    taken = log.take()
    add(log, 3)
    add(log, 4)

    log.put_back(taken)

    assert (ids(log.take()), len(dropped)) == (["t2", "t3", "t4"], 1)


def test_a_call_is_for_one_queue_and_bounded(monkeypatch):
    monkeypatch.setattr(attempt_log, "MOST_BYTES_PER_CALL", 5000)
    log, _ = make_log()
    for number in range(250):
        add(log, number, keys=ADS if number % 50 == 0 else MAIL)
    for number in range(3):
        add(log, number, keys=ADS, traceback="x" * 4000)

    calls = list(log.calls(log.take()))

    assert {len({each.keys for each in waiting}) for waiting, _ in calls} == {1}
    assert sum(len(waiting) for waiting, _ in calls) == 253
    assert max(len(waiting) for waiting, _ in calls) <= 16
    assert [len(operation.keys) - 1 for _, operation in calls] == [len(each) for each, _ in calls]


async def test_of_a_flood_of_errors_some_have_a_traceback():
    log, _ = make_log()

    texts = [log.texts_of(ValueError("bad"), "email") for _ in range(50)]
    others = log.texts_of(KeyError("bad"), "email")

    assert {text for text, _traceback in texts} == {"ValueError: bad"}
    assert sum(bool(traceback) for _text, traceback in texts) == 20
    assert others[1]
    await asyncio.sleep(0)


@pytest.mark.parametrize("size", [0, 1, 3, 4, 60, 65_536])
def test_of_a_long_traceback_the_end_is_kept(size):
    log, _ = make_log(traceback_size=size)

    _text, traceback = log.texts_of(ValueError("ü" * 100), "email")

    assert len(traceback.encode()) <= size
    assert size < 60 or traceback.endswith("üüü")


def test_an_odd_error_does_no_harm():
    class Odd(Exception):
        def __str__(self):
            raise SystemExit

    log, _ = make_log()

    text, traceback = log.texts_of(Odd(), "email")

    assert text.startswith("test_an_odd_error_does_no_harm")
    assert isinstance(traceback, str)
