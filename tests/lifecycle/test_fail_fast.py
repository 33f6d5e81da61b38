from concurrent.futures import ThreadPoolExecutor

import pytest

from pyasynq.clock import FakeClock
from pyasynq.errors import RedisUnavailableError
from pyasynq.lifecycle.fail_fast import FailFast

REFUSED = RedisUnavailableError("redis is not available: refused", tried="TIME was tried 9 times")


def may_try(fail_fast: FailFast, patience_s: float = 5.0) -> bool:
    try:
        fail_fast.check(patience_s)
    except RedisUnavailableError:
        return False
    return True


def test_calls_try_as_long_as_none_has_failed():
    fail_fast = FailFast(FakeClock())

    assert [may_try(fail_fast), may_try(fail_fast)] == [True, True]


def test_after_a_failure_calls_fail_for_a_second_and_then_one_of_them_tries():
    clock = FakeClock()
    fail_fast = FailFast(clock)
    fail_fast.failed(REFUSED, 5.0)

    at_once = may_try(fail_fast)
    clock.advance(1)
    later = [may_try(fail_fast) for _ in range(3)]
    clock.advance(1)
    much_later = [may_try(fail_fast) for _ in range(3)]

    assert at_once is False
    assert later == [True, False, False]
    assert much_later == [True, False, False]


def test_of_many_threads_one_tries():
    clock = FakeClock()
    fail_fast = FailFast(clock)
    fail_fast.failed(REFUSED, 5.0)
    clock.advance(1)

    with ThreadPoolExecutor(8) as threads:
        tried = list(threads.map(lambda _: may_try(fail_fast), range(64)))

    assert sum(tried) == 1


def test_after_a_success_all_try_again():
    fail_fast = FailFast(FakeClock())
    fail_fast.failed(REFUSED, 5.0)

    fail_fast.succeeded()

    assert [may_try(fail_fast), may_try(fail_fast)] == [True, True]
    assert fail_fast.is_on is False


def test_a_call_that_may_wait_longer_than_the_one_that_failed_always_tries():
    fail_fast = FailFast(FakeClock())
    fail_fast.failed(REFUSED, 5.0)

    assert [may_try(fail_fast, 5.1), may_try(fail_fast, 5.0)] == [True, False]


def test_the_moment_is_no_longer_than_the_patience_of_the_call_that_failed():
    clock = FakeClock()
    fail_fast = FailFast(clock)
    fail_fast.failed(REFUSED, 0.25)

    before = may_try(fail_fast, 0.25)
    clock.advance(0.25)

    assert [before, may_try(fail_fast, 0.25)] == [False, True]


def test_without_patience_every_call_tries():
    fail_fast = FailFast(FakeClock())
    fail_fast.failed(REFUSED, 0.0)

    assert [may_try(fail_fast, 0.0), may_try(fail_fast, 0.0)] == [True, True]


def test_the_error_tells_the_reason_of_the_first_one_and_that_nothing_was_sent():
    fail_fast = FailFast(FakeClock())
    fail_fast.failed(REFUSED, 5.0)

    with pytest.raises(RedisUnavailableError) as caught:
        fail_fast.check(5.0)

    text = "redis is not available: refused; not tried again so soon after a failure"
    assert str(caught.value).startswith(text)
    assert caught.value.may_have_happened is False
