"""Which operations write the outcomes of tasks."""

from hashlib import sha1

import pytest

from pyasynq.broker.operations import finish
from pyasynq.broker.operations.dequeue import Leased
from pyasynq.broker.operations.finish import Fence
from pyasynq.wire.message import encode
from pyasynq.worker.attempt.outcome import (
    DROPPED,
    FINISHED,
    REQUEUED,
    Archived,
    Completed,
    Retried,
)
from pyasynq.worker.attempt.writes import grouped, item_of, write_items, write_of
from tests.support.builders import NOW_NS, make_keys, make_message, make_running

KEYS = make_keys()
LOCK = "asynq:{mail}:unique:l"
OWNED = Fence(owner="me")
LEASED_S = NOW_NS // 1_000_000_000 + 30

COMPLETED = Completed(data=b"completed", expires_at_s=77, result=b"result")
RETRIED = Retried(data=b"retried", at_ns=NOW_NS + 5, is_failure=True, deferred=0)
PUT_OFF = Retried(data=b"put off", at_ns=NOW_NS + 9, is_failure=False, deferred=4)
ARCHIVED = Archived(data=b"archived", error="bad")


def never(_unique_until):
    return False


def held(task_id="a", *, refusals=0, is_write_repeated=False, unique_until="", **fields):
    """A task with a lock that this server holds, as long as its lease lasts."""
    message = make_message(id=task_id, unique_key=LOCK)
    leased = Leased(
        task_id=task_id,
        data=encode(message),
        pending_since_ns=fields.pop("pending_since_ns", None),
        unique_until=unique_until,
    )
    running = make_running(
        task_id, message=message, leased=leased, **{"lease_until_s": LEASED_S, **fields}
    )
    running.refusals = refusals
    running.is_write_repeated = is_write_repeated
    return running


def write(*group, frees_lock=never, now_ns=NOW_NS):
    return write_of(KEYS, group, frees_lock=frees_lock, now_ns=now_ns)


def is_same(operation, other) -> bool:
    """Whether two operations do the same; each has decoders of its own."""
    return (operation.call, operation.keys, operation.args) == (other.call, other.keys, other.args)


def ids_of(groups) -> list[list[str]]:
    return [[running.task_id for running, _outcome in group] for group in groups]


def test_outcomes_of_one_kind_are_written_together():
    batch = [(held("a"), RETRIED), (held("b"), PUT_OFF), (held("c"), RETRIED)]

    assert grouped(batch) == [batch]


def test_each_kind_is_written_by_itself_in_the_order_in_which_kinds_and_tasks_came():
    batch = [
        (held("a"), RETRIED),
        (held("b"), FINISHED),
        (held("c"), RETRIED),
        (held("d"), ARCHIVED),
        (held("e"), FINISHED),
    ]

    assert ids_of(grouped(batch)) == [["a", "c"], ["b", "e"], ["d"]]


def test_a_refused_outcome_is_written_alone_and_the_others_together():
    batch = [
        (held("a"), FINISHED),
        (held("b", refusals=1), FINISHED),
        (held("c"), FINISHED),
        (held("d", refusals=1), FINISHED),
    ]

    assert ids_of(grouped(batch)) == [["a", "c"], ["b"], ["d"]]


def test_each_is_written_alone_when_all_were_refused_equally_often():
    batch = [(held("a", refusals=2), FINISHED), (held("b", refusals=2), FINISHED)]

    assert ids_of(grouped(batch)) == [["a"], ["b"]]


@pytest.mark.parametrize("outcome", [FINISHED, DROPPED])
def test_a_finished_task_is_deleted_and_its_lock_freed(outcome):
    items = [
        finish.ToDelete(task_id=task_id, fence=OWNED, unique_key=LOCK) for task_id in ("a", "b")
    ]

    assert is_same(
        write((held("a"), outcome), (held("b"), outcome)),
        finish.done_many(KEYS, items, now_ns=NOW_NS),
    )


def test_a_completed_task_is_kept_with_its_result_and_its_lock_freed():
    item = finish.ToComplete(
        task_id="a",
        fence=OWNED,
        data=b"completed",
        expires_at_s=77,
        unique_key=LOCK,
        result=b"result",
    )

    assert is_same(write((held(), COMPLETED)), finish.complete_many(KEYS, [item], now_ns=NOW_NS))


def test_retried_tasks_are_due_and_counted_each_by_its_own_outcome():
    items = [
        finish.ToRetry(
            task_id="a", fence=OWNED, data=b"retried", retry_at_ns=NOW_NS + 5, is_failure=True
        ),
        finish.ToRetry(
            task_id="b",
            fence=OWNED,
            data=b"put off",
            retry_at_ns=NOW_NS + 9,
            is_failure=False,
            deferred=4,
        ),
    ]

    assert is_same(
        write((held("a"), RETRIED), (held("b"), PUT_OFF)),
        finish.retry_many(KEYS, items, now_ns=NOW_NS),
    )


def test_an_archived_task_frees_its_lock_if_what_is_stored_of_it_says_so():
    items = [
        finish.ToArchive(task_id="a", fence=OWNED, data=b"archived", unique_key=LOCK),
        finish.ToArchive(task_id="b", fence=OWNED, data=b"archived"),
    ]
    group = (held("a", unique_until="freed"), ARCHIVED), (held("b", unique_until="kept"), ARCHIVED)

    assert is_same(
        write(*group, frees_lock=lambda unique_until: unique_until == "freed"),
        finish.archive_many(KEYS, items, now_ns=NOW_NS),
    )


def test_no_lock_is_freed_for_an_archived_task_that_has_none():
    item = item_of(ARCHIVED, "a", OWNED, unique_key="", is_lock_freed=True)

    assert item == finish.ToArchive(task_id="a", fence=OWNED, data=b"archived")


def test_a_requeued_task_keeps_since_when_it_has_been_pending():
    items = [
        finish.ToRequeue(task_id="a", fence=OWNED, pending_since_ns=5),
        finish.ToRequeue(task_id="b", fence=OWNED),
    ]

    assert is_same(
        write((held("a", pending_since_ns=5), REQUEUED), (held("b"), REQUEUED)),
        finish.requeue_many(KEYS, items),
    )


@pytest.mark.parametrize("outcome", [FINISHED, COMPLETED, RETRIED, ARCHIVED, REQUEUED])
@pytest.mark.parametrize("why", ["repeated", "late"])
def test_a_repeated_or_late_write_compares_the_message_too(outcome, why):
    late = held(lease_until_s=NOW_NS // 1_000_000_000)
    running = held(is_write_repeated=True) if why == "repeated" else late
    digest = sha1(running.leased.data, usedforsecurity=False).hexdigest()

    assert f"me\n{digest}\n" in write((running, outcome)).args
    assert "me" in write((held(), outcome)).args


def test_what_is_written_is_of_the_kind_of_the_outcome():
    fence = Fence(lease_cutoff_s=1)

    names = [
        write_items(
            KEYS,
            outcome,
            [item_of(outcome, "a", fence, unique_key="", is_lock_freed=False)],
            now_ns=NOW_NS,
        ).name
        for outcome in (COMPLETED, RETRIED, ARCHIVED, REQUEUED)
    ]

    assert names == ["complete_many", "retry_many", "archive_many", "requeue_many"]
