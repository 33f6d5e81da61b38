"""What becomes of a task whose lease has expired."""

import pytest

from pyasynq import retry
from pyasynq.broker.operations import finish, maintain
from pyasynq.broker.operations.finish import Fence
from pyasynq.broker.operations.maintain import LeaseExpired
from pyasynq.wire.error_text import LEASE_EXPIRED
from pyasynq.wire.message import TaskMessage, decode
from pyasynq.worker.attempt.outcome import Archived, Retried, Rules
from pyasynq.worker.maintenance.recovery import decide
from tests.support.builders import NOW_NS, make_data, make_keys

KEYS = make_keys()
CUTOFF_S = 1_234
FENCE = Fence(lease_cutoff_s=CUTOFF_S)
DELAY_S = 10
LOCK = "asynq:{mail}:unique:l"


def step_for(
    data, *, task_id="a", deferred=0, unique_until="", frees_lock=lambda _until: False, **rules
):
    return decide(
        KEYS,
        LeaseExpired(task_id=task_id, data=data, deferred=deferred, unique_until=unique_until),
        cutoff_s=CUTOFF_S,
        now_ns=NOW_NS,
        rules=Rules(
            **{
                "retry_delay": retry.fixed(DELAY_S),
                "is_failure": lambda error: str(error) == LEASE_EXPIRED,
                **rules,
            }
        ),
        frees_lock=frees_lock,
    )


def assert_same(operation, other):
    """Two operations do the same; each has decoders of its own."""
    assert (operation.call, operation.keys, operation.args) == (other.call, other.keys, other.args)


@pytest.mark.parametrize("data", [None, b""])
def test_a_task_without_a_message_is_dropped(data):
    step = step_for(data)

    assert (step.kind, step.note, step.outcome) == ("dropped", "had no message", None)
    assert step.message == TaskMessage()
    assert_same(step.operation, maintain.drop_ghost(KEYS, "a", cutoff_s=CUTOFF_S))


def test_bytes_that_are_not_a_message_are_quarantined_as_they_are():
    step = step_for(b"\xff")

    assert (step.kind, step.note) == ("quarantined", "cannot be read")
    assert (step.outcome, step.message) == (Archived(b"\xff", LEASE_EXPIRED), TaskMessage())
    assert_same(step.operation, finish.quarantine(KEYS, "a", FENCE, now_ns=NOW_NS))


def test_a_task_with_retries_left_is_retried_and_that_counts_as_a_failure():
    step = step_for(make_data(retry=3, retried=2))

    assert (step.kind, step.note) == ("retried", "")
    assert isinstance(step.outcome, Retried)
    assert step.outcome.at_ns == NOW_NS + DELAY_S * 1_000_000_000
    stored = decode(step.outcome.data)
    assert (stored.retried, stored.error_msg) == (3, LEASE_EXPIRED)
    item = finish.ToRetry(
        task_id="a",
        fence=FENCE,
        data=step.outcome.data,
        retry_at_ns=step.outcome.at_ns,
        is_failure=True,
    )
    assert_same(step.operation, finish.retry_many(KEYS, [item], now_ns=NOW_NS))


def test_a_task_without_retries_left_is_archived():
    step = step_for(make_data(retry=3, retried=3))

    assert (step.kind, step.note) == ("archived", "")
    assert isinstance(step.outcome, Archived)
    stored = decode(step.outcome.data)
    assert (stored.retried, stored.error_msg) == (3, LEASE_EXPIRED)
    item = finish.ToArchive(task_id="a", fence=FENCE, data=step.outcome.data)
    assert_same(step.operation, finish.archive_many(KEYS, [item], now_ns=NOW_NS))


@pytest.mark.parametrize(("unique_until", "freed"), [("kept", ""), ("freed", LOCK)])
def test_the_lock_of_an_archived_task_is_freed_if_what_is_stored_of_it_says_so(unique_until, freed):
    step = step_for(
        make_data(retry=0, unique_key=LOCK),
        unique_until=unique_until,
        frees_lock=lambda until: until == "freed",
    )

    item = finish.ToArchive(task_id="a", fence=FENCE, data=step.outcome.data, unique_key=freed)
    assert_same(step.operation, finish.archive_many(KEYS, [item], now_ns=NOW_NS))


def test_a_retried_task_keeps_its_lock():
    step = step_for(make_data(unique_key=LOCK), frees_lock=lambda _until: True)

    assert step.kind == "retried"
    assert LOCK not in step.operation.args
    assert step.message.unique_key == LOCK


@pytest.mark.parametrize("retries", [0, 3])
@pytest.mark.parametrize("named", [{"id": "b"}, {"queue": "other"}, {"id": "b", "queue": "other"}])
def test_a_message_that_names_another_task_is_stored_with_the_names_it_was_found_by(retries, named):
    step = step_for(make_data(retry=retries, **named))

    names = {"id": "a", "queue": "mail", **named}
    assert step.note == f"named {names['id']!r} of queue {names['queue']!r} in its message"
    stored = decode(step.outcome.data)
    assert (stored.id, stored.queue) == (step.message.id, step.message.queue) == ("a", "mail")
    assert step.operation.keys[0] == KEYS.active
    assert "a" in step.operation.args


def test_an_id_that_no_message_can_hold_is_left_out_of_it():
    found = "\udcff"  # how bytes that are not UTF-8 are read

    step = step_for(make_data(id="b"), task_id=found)

    assert (step.kind, step.note, step.message.id) == ("retried", "", "b")
    assert (step.task_id, found in step.operation.args) == (found, True)


def test_what_is_not_a_failure_is_retried_without_being_counted():
    step = step_for(make_data(retry=3, retried=1), is_failure=lambda _error: False)

    assert (step.kind, step.outcome.is_failure) == ("retried", False)
    assert decode(step.outcome.data).retried == 1


def test_how_often_a_task_was_put_off_is_forgotten():
    assert step_for(make_data(), deferred=4).outcome.deferred == 0


def test_a_task_that_was_lost_and_whose_deadline_is_over_is_archived_at_once():
    step = step_for(make_data(id="a", queue=KEYS.queue, deadline=NOW_NS // 10**9, retry=25))

    assert step.kind == "archived"
    assert isinstance(step.outcome, Archived)
    assert step.outcome.error.startswith(f"{LEASE_EXPIRED}; not retried")
