"""What is done is counted once by queue and type, and nothing of it grows without a bound."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyasynq.broker.operations.dequeue import Leased
from pyasynq.measurements.metric import SECONDS
from pyasynq.wire.type_counts import TypeCountsRecord, bucket_of
from pyasynq.worker.attempt.counting import word_of
from pyasynq.worker.attempt.outcome import (
    DROPPED,
    FINISHED,
    LOST,
    REQUEUED,
    Archived,
    Completed,
    Retried,
)
from pyasynq.worker.measure import durations, type_tally
from pyasynq.worker.measure.durations import Durations, stored
from pyasynq.worker.measure.type_tally import TypeTally
from pyasynq.worker.notify.notifier import names_of
from tests.support.builders import make_keys, make_message, make_running

PATTERNS = {"email": "email", "x" * 500: "x" * 500}
RETRIED = Retried(b"", 0, is_failure=True, deferred=0)
EXCUSED = Retried(b"", 0, is_failure=False, deferred=0)
DEFERRED = Retried(b"", 0, is_failure=False, deferred=1)
ARCHIVED = Archived(b"", "bad")
ALL = (FINISHED, Completed(b"", 0, None), RETRIED, EXCUSED, DEFERRED, ARCHIVED, DROPPED)
S = 1_000_000_000


def make_tally():
    return TypeTally(
        lambda name: PATTERNS.get(name) or ("image:*" if name.startswith("image:") else "*")
    )


def ended(task_type="email", *, queue="mail", run_s=0.001, **fields):
    given = {"started_at": 5.0, "ended_at": 5.0 + run_s, "started_ns": 100 * S, **fields}
    keys = make_keys(queue)
    message = make_message(type=task_type)
    return make_running(message=message, keys=keys, key=(queue, "a"), **given)


def add(tally, *tasks, outcome=FINISHED):
    tally.on_outcomes([(each, outcome) for each in tasks])


def done(tally, task_type="email", queue="mail"):
    return dict(tally.all())[queue, task_type]


def test_queues_and_types_are_apart():
    tally = make_tally()

    add(tally, ended(), ended("image:1"), ended())
    add(tally, ended(queue="ads"))

    assert {key: each.outcomes for key, each in tally.all()} == {
        ("mail", "email"): {"succeeded": 2},
        ("mail", "image:1"): {"succeeded": 1},
        ("ads", "email"): {"succeeded": 1},
    }


@pytest.mark.parametrize("outcome", [*ALL, REQUEUED, LOST])
def test_an_outcome_is_called_as_the_last_of_its_events(outcome):
    assert word_of(outcome) == names_of(outcome)[-1]


@pytest.mark.parametrize(
    ("outcome", "count", "failures"),
    [
        (FINISHED, 1, 0),
        (RETRIED, 1, 1),
        (EXCUSED, 0, 0),
        (DEFERRED, 0, 0),
        (ARCHIVED, 1, 1),
        (DROPPED, 1, 0),
        (REQUEUED, 0, 0),
        (LOST, 0, 0),
    ],
)
def test_statistics_have_the_attempts_that_the_counters_of_the_queue_have(outcome, count, failures):
    tally = make_tally()

    add(tally, ended(), outcome=outcome)

    found = done(tally)
    assert (found.count, found.failures, found.started) == (count, failures, 1)


def test_retries_of_one_batch_are_told_apart():
    tally = make_tally()
    outcomes = (RETRIED, EXCUSED, DEFERRED, RETRIED)

    tally.on_outcomes([(ended(), each) for each in outcomes])

    found = done(tally)
    assert found.outcomes == {"retried": 3, "deferred": 1}
    assert (found.count, found.failures) == (2, 2)


def test_a_task_that_had_expired_has_an_outcome_and_no_duration():
    tally = make_tally()

    add(tally, ended(ended_at=0.0), outcome=DROPPED)

    found = done(tally)
    assert (found.outcomes, found.started, sum(found.runs.counts)) == ({"dropped": 1}, 0, 0)


def test_types_that_a_handler_takes_by_their_beginning_have_names_up_to_a_limit(monkeypatch):
    monkeypatch.setattr(type_tally, "MOST_NAMES", 2)
    tally = make_tally()

    for each in ("image:1", "image:2", "image:3", "email", "image:1", "unknown", "image:3"):
        add(tally, ended(each))

    assert {name: found.count for (_queue, name), found in tally.all()} == {
        "image:1": 2,
        "image:2": 1,
        "image:*": 2,
        "email": 1,
        "*": 1,
    }


def test_there_is_a_limit_for_all_of_a_process(monkeypatch):
    monkeypatch.setattr(type_tally, "MOST_KEYS", 2)
    tally = TypeTally(lambda name: name)

    for each in ("a", "b", "c", "d", "c"):
        add(tally, ended(each))

    assert {name: found.count for (_queue, name), found in tally.all()} == {"a": 1, "b": 1, "*": 3}


@pytest.mark.parametrize(("task_type", "name"), [("image:" + "y" * 500, "image:*"), (" ", "*")])
def test_odd_types_have_no_name_of_their_own(task_type, name):
    tally = make_tally()

    add(tally, ended(task_type))

    assert [key for key, _done in tally.all()] == [("mail", name)]


def test_a_registered_type_always_has_its_name():
    tally = make_tally()

    add(tally, ended("x" * 500))

    assert [key for key, _done in tally.all()] == [("mail", "x" * 500)]


def test_what_is_taken_is_the_difference_to_the_last_time():
    tally = make_tally()
    add(tally, ended(leased=ended().leased))
    add(tally, ended(), outcome=ARCHIVED)
    first = tally.take()
    add(tally, ended(run_s=1.0), ended(run_s=1.0))

    assert first == {("mail", "email"): TypeCountsRecord(count=2, failures=1, run={"14": 2})}
    assert tally.take() == {("mail", "email"): TypeCountsRecord(count=2, run={"54": 2})}
    assert tally.take() == {}


def test_tasks_in_hand_count_as_started_and_are_not_counted_again():
    tally, key = make_tally(), ("mail", "email")
    one, two = ended(), ended()

    counts = [tally.started(lambda: [one, two])[key]]
    counts.append(tally.started(lambda: [two])[key])  # one is between
    add(tally, one)
    counts.append(tally.started(lambda: [two])[key])
    tally.on_unwritable(two)
    counts.append(tally.started(list)[key])

    assert counts == [2, 2, 2, 2]


NEAR_A_BOUND = st.sampled_from(range(10**6 - 2, 10**6 + 3))


@settings(max_examples=50)
@given(st.lists(st.one_of(st.integers(0, 10**15), NEAR_A_BOUND), max_size=12))
def test_durations_have_both_kinds_of_buckets_exactly(durations_ns):
    counted, seconds = Durations(), [each / S for each in durations_ns]
    for first in range(0, len(seconds), 7):
        counted.add(seconds[first : first + 7])

    wanted: dict[str, int] = {}
    for each in durations_ns:
        wanted[bucket_of(each)] = wanted.get(bucket_of(each), 0) + 1
    below = [sum(each <= bound for each in seconds) for bound in SECONDS]
    counts = counted.distribution().counts
    assert stored(counted.counts) == wanted
    assert [sum(counts[: n + 1]) for n in range(len(SECONDS))] == below
    assert sum(counts) == len(seconds)


def test_a_wait_that_a_forged_message_claims_does_not_ruin_the_sum():
    counted = Durations()

    counted.add([-5.0, 1e30])

    assert counted.total_s == durations.LONGEST_S
    assert sum(counted.counts) == 2


SINCE = {"never": 10**400, "no date": 10**21, "negative": -1, "no float": -(10**400)}


@pytest.mark.parametrize("since_ns", SINCE.values(), ids=SINCE)
def test_a_time_that_nothing_has_written_so_far_is_no_wait(since_ns):
    tally = make_tally()
    leased = Leased(task_id="a", data=b"", pending_since_ns=since_ns)

    add(tally, ended(leased=leased))

    assert (done(tally).count, sum(done(tally).waits.counts)) == (1, 0)
