"""Attempts as users see them, from what servers have stored; pure."""

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from pyasynq.inspector.attempts import Attempt, attempts_of
from pyasynq.wire.attempts import AttemptRecord

S = 1_000_000_000
START = datetime(2033, 5, 18, 3, 33, 20, tzinfo=UTC)
START_NS = 2_000_000_000 * S
BY = "fe80::1:41:6f1c"


def ended(number=1, outcome="succeeded", **fields):
    given = {"started_ns": START_NS, "ended_ns": START_NS + 2 * S, "worker": BY, **fields}
    return AttemptRecord(number=number, outcome=outcome, **given)


def started(number=1):
    return AttemptRecord(number=number, started_ns=START_NS, worker=BY)


def recovered(number=1, then="retried"):
    return AttemptRecord(
        number=number, outcome="lost", then=then, ended_ns=START_NS + 90 * S, error="lease expired"
    )


def test_an_attempt_tells_all_that_was_stored():
    record = ended(
        2,
        "failed",
        then="retried",
        waited_ns=S // 2,
        retry_at_ns=START_NS + 60 * S,
        error="ValueError: too wide",
        traceback="Traceback",
    )

    (found,) = attempts_of([record], is_active=False)

    assert found == Attempt(
        number=2,
        outcome="failed",
        then="retried",
        started_at=START,
        ended_at=START + timedelta(seconds=2),
        waited=timedelta(seconds=0.5),
        retry_at=START + timedelta(minutes=1),
        error="ValueError: too wide",
        traceback="Traceback",
        host="fe80::1",
        pid=41,
        server_id="6f1c",
    )
    assert found.duration == timedelta(seconds=2)


def test_the_latest_attempt_comes_first():
    records = [ended(1, "failed"), ended(2, started_ns=START_NS + S)]

    found = attempts_of(records, is_active=False)

    assert [each.number for each in found] == [2, 1]


def test_an_attempt_without_an_end_runs_if_its_task_is_active():
    records = [started(1), replace(started(2), started_ns=START_NS + S)]
    found = [attempts_of(records, is_active=each) for each in (True, False)]

    assert [[each.outcome for each in some] for some in found] == [
        ["running", "unknown"],
        ["unknown", "unknown"],
    ]
    assert found[0][0].duration is None


def test_an_attempt_and_its_recovery_are_one():
    (found,) = attempts_of([started(), recovered()], is_active=False)

    assert (found.outcome, found.then, found.error) == ("lost", "retried", "lease expired")
    assert (found.host, found.started_at) == ("fe80::1", START)
    assert found.ended_at == START + timedelta(seconds=90)


def test_a_lease_that_was_lost_and_its_recovery_are_one():
    (found,) = attempts_of([ended(1, "lost"), recovered()], is_active=False)

    assert (found.then, found.ended_at) == ("retried", START + timedelta(seconds=2))


def test_a_recovery_of_another_attempt_stands_alone():
    found = attempts_of([ended(1, "failed", then="retried"), recovered(2)], is_active=False)

    assert [(each.number, each.outcome, each.started_at) for each in found] == [
        (2, "lost", None),
        (1, "failed", START),
    ]


def test_a_start_that_was_stored_once_more_is_no_other_attempt():
    found = [
        attempts_of(each, is_active=False) for each in ([ended(), started()], [started(), ended()])
    ]

    assert [[each.outcome for each in some] for some in found] == [["succeeded"]] * 2


def test_odd_records_do_no_harm():
    odd = AttemptRecord(
        number=-1, outcome="exploded", then="sold", started_ns=10**30, ended_ns=-5, worker="x"
    )
    other = AttemptRecord(outcome="running", worker="a:" + "9" * 5000 + ":b")

    first, second = attempts_of([other, odd], is_active=False)

    assert (first.outcome, first.then, first.ended_at, first.duration) == ("unknown",) + (None,) * 3
    assert (second.outcome, second.pid) == ("unknown", 0)
