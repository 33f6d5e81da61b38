"""What becomes of a task: the table of decisions."""

from datetime import timedelta

import pytest

from pyasynq import retry
from pyasynq.control_flow import RetryLater, RevokeTask, SkipRetry
from pyasynq.errors import ConfigError
from pyasynq.wire.message import decode
from pyasynq.worker.attempt import outcome
from pyasynq.worker.attempt.outcome import Archived, Completed, Dropped, Finished, Retried, Rules
from pyasynq.worker.attempt.running_task import Ending
from tests.support.builders import make_data, make_message

NOW_NS = 1_000_000_000_500_000_000
NOW_S = 1_000_000_000
RULES = Rules(retry_delay=retry.fixed(10), is_failure=lambda error: True)


def judge(error, *, rules=RULES, deferred=0, **fields):
    return outcome.of_failure(
        make_message(**fields),
        make_data(**fields),
        error,
        rules=rules,
        deferred=deferred,
        now_ns=NOW_NS,
    )


@pytest.mark.parametrize("task_type", ["", " \n", "x" * 20_000])
def test_a_task_is_retried_whatever_its_type_is_called(task_type):
    seen = []

    def delay(retried, error, task):
        seen.append(task.type)
        return timedelta(seconds=10)

    decided = judge(
        ValueError("bad"),
        rules=Rules(retry_delay=delay, is_failure=lambda error: True),
        type=task_type,
    )

    assert isinstance(decided, Retried)
    assert seen == [task_type]


def test_success_without_retention_finishes_the_task():
    assert outcome.of_success(make_message(), b"kept nowhere", NOW_NS) == Finished()


def test_success_with_retention_keeps_the_task_and_its_result():
    decided = outcome.of_success(make_message(retention=60), b"42", NOW_NS)

    assert isinstance(decided, Completed)
    assert (decided.expires_at_s, decided.result) == (NOW_S + 60, b"42")
    assert decode(decided.data).completed_at == NOW_S


def test_a_result_that_is_kept_must_be_bytes():
    assert outcome.result_fault({"a": 1}, 10) == "dict is not bytes"
    assert outcome.result_fault(b"12345678901", 10) == (
        "11 bytes are more than max_result_size, which is 10"
    )
    assert outcome.result_fault(b"1234567890", 10) is None
    assert outcome.result_fault(None, 10) is None


def test_success_whose_result_cannot_be_kept_completes_the_task_with_the_reason():
    message = make_message(retention=60)

    decided = outcome.of_success_without_result(message, "too odd", NOW_NS)

    assert decided.result is None
    assert decided.expires_at_s == NOW_S + 60
    assert decode(decided.data).error_msg == "result not kept: too odd"
    assert decode(decided.data).completed_at == NOW_S


def test_a_failure_is_retried_after_the_delay_and_counted():
    decided = judge(ValueError("bad"))

    assert isinstance(decided, Retried)
    assert decided.is_failure
    assert decided.at_ns == NOW_NS + 10_000_000_000
    message = decode(decided.data)
    assert (message.retried, message.error_msg, message.last_failed_at) == (
        1,
        "ValueError: bad",
        NOW_S,
    )


def test_the_delay_is_asked_with_the_retries_so_far():
    asked = []

    def delay(retried, error, task):
        asked.append((retried, str(error), task.type))
        return timedelta(seconds=1)

    judge(ValueError("bad"), rules=Rules(retry_delay=delay, is_failure=lambda e: True), retried=2)

    assert asked == [(2, "bad", "email")]


@pytest.mark.parametrize("retried", [3, 4])
def test_a_failure_with_no_retries_left_is_archived(retried):
    decided = judge(ValueError("bad"), retried=retried)

    assert isinstance(decided, Archived)
    message = decode(decided.data)
    assert (message.retried, message.error_msg) == (retried, "ValueError: bad")


def test_what_is_not_a_failure_is_retried_without_being_counted():
    rules = Rules(retry_delay=retry.fixed(1), is_failure=lambda error: False)

    decided = judge(ValueError("busy"), rules=rules)

    assert isinstance(decided, Retried)
    assert not decided.is_failure
    assert decode(decided.data).retried == 0


def test_exhausted_retries_are_looked_at_before_is_failure():
    rules = Rules(retry_delay=retry.fixed(1), is_failure=lambda error: False)

    assert isinstance(judge(ValueError("busy"), rules=rules, retry=0), Archived)


def raised(make):
    try:
        make()
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def from_cause():
    raise ValueError("outer") from SkipRetry("inner")


def from_context():
    try:
        raise SkipRetry("inner")
    except SkipRetry:
        raise ValueError("outer")  # noqa: B904 - the context is what is tested


def from_group():
    raise ExceptionGroup("several", [KeyError("a"), ExceptionGroup("in", [SkipRetry("b")])])


@pytest.mark.parametrize("make", [from_cause, from_context, from_group])
def test_control_flow_is_seen_anywhere_in_the_chain(make):
    assert isinstance(judge(raised(make)), Archived)


def from_a_later_request():
    try:
        raise RetryLater(5)
    except RetryLater:
        raise SkipRetry("after all")  # noqa: B904 - the context is what is tested


def test_of_several_requests_in_a_chain_the_nearest_counts():
    group = ExceptionGroup("several", [KeyError("a"), SkipRetry("b"), RetryLater(5)])

    assert isinstance(judge(raised(from_a_later_request)), Archived)
    assert isinstance(judge(group), Archived)


def test_a_suppressed_context_does_not_count():
    def suppress():
        try:
            raise SkipRetry("inner")
        except SkipRetry:
            raise ValueError("outer") from None

    assert isinstance(judge(raised(suppress)), Retried)


def test_a_chain_that_is_a_ring_ends():
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one

    assert isinstance(judge(one), Retried)


def test_a_revoked_task_is_dropped_even_with_a_retention():
    assert judge(RevokeTask(), retention=60) == Dropped()


def test_retry_later_keeps_the_message_and_counts_no_failure():
    decided = judge(RetryLater(2.5), deferred=4)

    assert decided == Retried(make_data(), NOW_NS + 2_500_000_000, is_failure=False, deferred=5)


def test_the_reason_of_retry_later_becomes_the_last_error_of_the_task():
    decided = judge(RetryLater(1, "too many requests"), retried=2, error_msg="ValueError: before")

    message = decode(decided.data)
    assert (message.error_msg, message.retried) == ("too many requests", 2)
    assert (message.last_failed_at, decided.is_failure) == (0, False)


def test_retry_later_without_a_reason_leaves_the_last_error_as_it_was():
    decided = judge(RetryLater(1), error_msg="ValueError: before")

    assert decode(decided.data).error_msg == "ValueError: before"


def test_the_reason_is_kept_when_retry_later_is_the_cause_of_another_error():
    def raise_it():
        raise ValueError("outside") from RetryLater(1, "locked")

    assert decode(judge(raised(raise_it)).data).error_msg == "locked"


def test_a_long_or_odd_reason_is_stored_as_go_can_read_it():
    decided = judge(RetryLater(1, "\ud800" + "x" * 9_000))

    stored = decode(decided.data).error_msg
    assert stored.startswith("\\ud800xxx")
    assert len(stored.encode()) <= 4_096


def test_retry_later_refuses_a_reason_that_is_no_text():
    with pytest.raises(ConfigError, match="reason of RetryLater must be text, not 5"):
        RetryLater(1, 5)


def test_retry_later_works_when_retries_are_used_up():
    assert isinstance(judge(RetryLater(1), retried=3), Retried)


def test_retry_later_beyond_max_deferrals_is_a_failure():
    rules = Rules(retry_delay=retry.fixed(1), is_failure=lambda error: True, max_deferrals=2)

    decided = judge(RetryLater(1), rules=rules, deferred=2)

    assert isinstance(decided, Retried)
    assert decided.is_failure


def test_retry_later_refuses_a_negative_delay():
    with pytest.raises(ConfigError, match="negative"):
        RetryLater(-1)


def cancelled(otherwise, **fields):
    return outcome.of_cancellation(make_message(**fields), otherwise, NOW_NS)


def test_a_cancelled_task_without_a_known_request_is_a_failure_like_any_other():
    otherwise = judge(outcome.error_of(Ending.CANCELLED))

    assert isinstance(otherwise, Retried)
    for then in ("", "retry", "explode", None):
        assert outcome.as_asked(cancelled(otherwise), then) is otherwise


def test_a_cancelled_task_is_archived_or_dropped_as_asked():
    cancelled_task = cancelled(judge(RetryLater(5)), retried=1)

    archived = outcome.as_asked(cancelled_task, "archive")

    assert outcome.as_asked(cancelled_task, "drop") == Dropped()
    assert isinstance(archived, Archived)
    message = decode(archived.data)
    assert (message.error_msg, message.retried, message.last_failed_at) == (
        "context canceled",
        1,
        NOW_S,
    )


def test_a_cancelled_task_that_is_archived_anyway_keeps_its_own_text():
    otherwise = judge(SkipRetry("no such user"))

    assert outcome.as_asked(cancelled(otherwise), "archive") is otherwise


@pytest.mark.parametrize("deadline", [NOW_S - 3600, NOW_S, NOW_S + 9])
def test_a_task_whose_retry_would_be_after_its_deadline_is_archived_at_once(deadline):
    decided = judge(TimeoutError("context deadline exceeded"), deadline=deadline, retry=25)

    assert isinstance(decided, Archived)
    message = decode(decided.data)
    assert message.error_msg == decided.error
    assert decided.error.startswith("context deadline exceeded")
    assert decided.error.endswith(
        "; not retried, because the deadline of the task is over before a retry"
    )
    assert message.retried == 0


def test_a_task_whose_retry_is_before_its_deadline_is_retried():
    assert isinstance(judge(ValueError("bad"), deadline=NOW_S + 11, retry=25), Retried)


def test_a_failure_that_does_not_count_cannot_put_off_the_deadline_either():
    rules = Rules(retry_delay=retry.fixed(10), is_failure=lambda error: False)

    assert isinstance(judge(ValueError(), rules=rules, deadline=NOW_S, retry=25), Archived)


def test_a_task_that_asks_to_run_after_its_deadline_is_archived():
    decided = judge(RetryLater(60), deadline=NOW_S + 59)

    assert isinstance(decided, Archived)
    assert "not retried, because the deadline of the task" in decided.error
    assert isinstance(judge(RetryLater(50), deadline=NOW_S + 59), Retried)


def test_the_reason_why_a_task_is_not_retried_is_told_after_a_text_of_any_length():
    decided = judge(ValueError("é" * 10_000), deadline=NOW_S, retry=25)

    assert isinstance(decided, Archived)
    assert len(decided.error.encode()) <= 4096
    assert decided.error.endswith("over before a retry")
