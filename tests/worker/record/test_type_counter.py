"""Types are counted by minute, queue and name, and nothing of it grows without a bound."""

import pytest

from pyasynq.wire.keys import queue_keys
from pyasynq.wire.type_counts import TypeCountsRecord
from pyasynq.worker.record import type_counter
from pyasynq.worker.record.type_counter import MINUTE_NS, TypeCounter

MAIL, ADS = queue_keys("mail"), queue_keys("ads")
PATTERNS = {"email": "email", "x" * 500: "x" * 500}


def make_counter():
    return TypeCounter(
        lambda name: PATTERNS.get(name) or ("image:*" if name.startswith("image:") else "*")
    )


def add(counter, task_type="email", *, keys=MAIL, minute=7, **fields):
    given = {"is_failure": False, "run_ns": 10**6, "waited_ns": None, **fields}
    counter.add(keys, task_type, ended_ns=minute * MINUTE_NS + 5, **given)


def test_minutes_queues_and_types_are_apart():
    counter = make_counter()

    add(counter)
    add(counter, is_failure=True, waited_ns=0)
    add(counter, keys=ADS)
    add(counter, minute=8)

    assert counter.minutes == [7, 8]
    assert counter.take(7) == {
        (MAIL, "email"): TypeCountsRecord(count=2, failures=1, run={"14": 2}, wait={"0": 1}),
        (ADS, "email"): TypeCountsRecord(count=1, run={"14": 1}),
    }
    assert counter.minutes == [8]


def test_types_that_a_handler_takes_by_their_beginning_have_names_up_to_a_limit(monkeypatch):
    monkeypatch.setattr(type_counter, "MOST_NAMES", 2)
    counter = make_counter()

    for task_type in ("image:1", "image:2", "image:3", "email", "image:1", "unknown", "image:3"):
        add(counter, task_type)

    counts = counter.take(7)
    assert {name: record.count for (_keys, name), record in counts.items()} == {
        "image:1": 2,
        "image:2": 1,
        "image:*": 2,
        "email": 1,
        "*": 1,
    }


@pytest.mark.parametrize(("task_type", "name"), [("image:" + "y" * 500, "image:*"), (" ", "*")])
def test_odd_types_have_no_name_of_their_own(task_type, name):
    counter = make_counter()

    add(counter, task_type)

    assert list(counter.take(7)) == [(MAIL, name)]


def test_a_registered_type_always_has_its_name():
    counter = make_counter()

    add(counter, "x" * 500)

    assert list(counter.take(7)) == [(MAIL, "x" * 500)]


def test_of_too_many_minutes_the_earliest_is_dropped():
    counter = make_counter()

    for minute in range(100):
        add(counter, minute=minute)

    assert counter.minutes == list(range(40, 100))


def test_what_is_put_back_is_counted_once():
    counter = make_counter()
    add(counter)
    taken = counter.take(7)
    add(counter)

    counter.put_back(7, taken)

    assert counter.take(7)[MAIL, "email"].count == 2


def test_a_call_writes_one_queue_and_a_bounded_number_of_types():
    counts = {(MAIL, f"t{n}"): TypeCountsRecord(count=1) for n in range(250)}
    counts[ADS, "email"] = TypeCountsRecord(count=1)

    calls = list(type_counter.calls(7, counts))

    assert sorted(len(some) for some, _operation in calls) == [1, 50, 100, 100]
    assert all(len({keys for keys, _name in some}) == 1 for some, _operation in calls)
