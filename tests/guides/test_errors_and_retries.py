"""The guide to errors and retries: its code is code that runs here."""

from datetime import timedelta

import pytest

from pyasynq import (
    App,
    Inspector,
    RetryLater,
    RevokeTask,
    SkipRetry,
    Task,
    TaskContext,
    TaskFailedError,
    retry,
)


class NoSuchOrder(Exception):
    pass


class Busy(Exception):
    pass


def charge(order_id):
    if order_id == 404:
        raise NoSuchOrder
    if order_id == 503:
        raise Busy
    raise ConnectionError("the bank does not answer")


def is_paid(order_id):
    return order_id == 200


app = App()


@app.task(max_retry=3, retry_delay=retry.exponential(1))
def pay(order_id: int) -> None:
    charge(order_id)


@app.task
def settle(ctx: TaskContext, order_id: int) -> None:
    if is_paid(order_id):
        raise RevokeTask("already paid")  # dropped: nothing is kept
    try:
        charge(order_id)
    except NoSuchOrder as error:
        raise SkipRetry("no such order") from error  # archived at once
    except Busy as error:
        raise RetryLater(60, "the bank is busy") from error  # again in a minute, no failure
    except ConnectionError:
        if ctx.is_last_attempt:
            print("the last attempt fails; a person must look at it")
        raise


def by_its_error(retried: int, error: BaseException, task: Task) -> timedelta:
    if isinstance(error, ConnectionError):
        return timedelta(minutes=10)
    return timedelta(seconds=2**retried)


@app.task(retry_delay=by_its_error)
def sync(shop: str) -> None:
    raise ConnectionError if shop == "far" else ValueError(shop)


@app.task(is_failure=lambda error: not isinstance(error, TimeoutError), max_retry=1)
def poll(feed: str) -> None:
    raise TimeoutError(feed)


def test_a_payment_is_tried_four_times():
    with app.testing() as harness:
        handle = pay.enqueue(7)
        handled = harness.run_all()

        assert [each.attempt for each in handled] == [1, 2, 3, 4]
        assert handle.info().state == "archived"
        assert handle.info().last_error.startswith("ConnectionError: the bank does not answer")


def test_the_caller_learns_the_last_error():
    with app.testing() as harness:
        handle = pay.options(max_retry=0, retention=600).enqueue(7)
        harness.run_pending()

        with pytest.raises(TaskFailedError, match="the bank does not answer"):
            handle.result(timeout=10)


@pytest.mark.parametrize(
    ("order", "states"),
    [(200, []), (404, ["archived"]), (503, ["retry"]), (7, ["retry"])],
)
def test_a_handler_decides_what_becomes_of_its_task(order, states):
    with app.testing() as harness:
        settle.enqueue(order)
        harness.run_pending()

        assert [each.state for each in harness.tasks()] == states


def test_waiting_for_later_uses_up_no_retry():
    with app.testing() as harness:
        settle.options(max_retry=0).enqueue(503)
        harness.run_pending()
        (task,) = harness.tasks(state="retry")

        assert (task.retried, task.last_error) == (0, "the bank is busy")
        assert task.due_at == harness.clock.now + timedelta(seconds=60)


def test_later_may_be_limited():
    shop = App()

    @shop.task(max_deferrals=2, max_retry=0)
    def patient() -> None:
        raise RetryLater(60)

    with shop.testing() as harness:
        patient.enqueue()
        handled = harness.run_all()
        (task,) = harness.tasks()

    assert len(handled) == 3
    assert task.state == "archived"


def test_a_function_decides_how_long_to_wait():
    with app.testing() as harness:
        sync.enqueue("far")
        sync.enqueue("near")
        harness.run_pending()
        near, far = harness.tasks(state="retry")

        assert near.due_at - harness.clock.now == timedelta(seconds=1)
        assert far.due_at - harness.clock.now == timedelta(minutes=10)


def test_what_is_no_failure_uses_up_no_retry():
    with app.testing() as harness:
        poll.enqueue("news")
        for _ in range(3):
            harness.run_pending()
            harness.clock.advance(timedelta(minutes=1))
        (task,) = harness.tasks()

    assert (task.state, task.retried) == ("retry", 0)


def test_no_retry_is_made_that_would_come_after_the_deadline():
    with app.testing() as harness:
        deadline = harness.clock.now + timedelta(seconds=5)
        pay.options(deadline=deadline).enqueue(7)
        (first, *_others) = harness.run_all()
        (task,) = harness.tasks()

    assert first.attempt == 1
    assert task.state == "archived"


def test_an_archived_task_has_one_attempt_when_it_is_told_to_run_again():
    with app.testing() as harness:
        handle = pay.options(max_retry=1).enqueue(7)
        harness.run_all()
        with Inspector(harness.url, clock=harness.clock) as inspector:
            inspector.tasks.run(handle.queue, handle.id)
        (handled,) = harness.run_all()

        assert handled.attempt == 2
        assert handle.info().state == "archived"


def test_the_usual_waits_grow_from_seconds_to_days():
    waits = [retry.asynq_default(n, ValueError(), Task("pay")) for n in (0, 5, 24)]

    assert timedelta(seconds=15) <= waits[0] <= timedelta(seconds=44)
    assert timedelta(minutes=10) < waits[1] < timedelta(minutes=14)
    assert timedelta(days=3.8) < waits[2] < timedelta(days=3.9)
