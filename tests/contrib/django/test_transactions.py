"""What is enqueued inside of a transaction."""

import logging
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.db import DatabaseError, connections, transaction

from pyasynq import ConfigError, PayloadError, Task, TaskNotFoundError
from pyasynq.contrib.django import App, after_commit, app, at_once
from pyasynq.errors import QueueNotFoundError
from tests.support.django_shop.models import Order
from tests.support.django_shop.tasks import aconfirm, audit, confirm, follow
from tests.support.ports import free_port


class Undone(Exception):
    """Rolls a transaction back."""


def enqueued(harness):
    return [(each.type, each.arguments) for each in harness.tasks()]


def test_a_task_is_sent_after_the_commit(harness):
    with transaction.atomic():
        confirm.enqueue(1)
        before = enqueued(harness)

    assert before == []
    assert enqueued(harness) == [("order:confirm", {"order_id": 1})]


def test_a_task_is_not_sent_after_a_rollback(harness):
    with pytest.raises(Undone), transaction.atomic():
        confirm.enqueue(1)
        raise Undone

    assert enqueued(harness) == []


def test_a_task_of_a_savepoint_is_sent_unless_that_is_rolled_back(harness):
    with transaction.atomic():
        with pytest.raises(Undone), transaction.atomic():
            confirm.enqueue(1)
            raise Undone
        with transaction.atomic():
            confirm.enqueue(2)
        before = enqueued(harness)

    assert before == []
    assert enqueued(harness) == [("order:confirm", {"order_id": 2})]


def test_a_task_outside_of_a_transaction_is_sent_at_once(harness):
    confirm.enqueue(1)

    assert len(harness.tasks()) == 1


def test_the_handle_has_the_id_before_the_commit_and_finds_the_task_after_it(harness):
    confirm.enqueue(1)
    with transaction.atomic():
        handle = confirm.enqueue(2)
        with pytest.raises(TaskNotFoundError):
            handle.info()

    assert handle.info().id == handle.id


def test_before_the_first_task_of_a_queue_is_committed_the_queue_is_not_known(harness):
    with transaction.atomic():
        handle = confirm.options(queue="low").enqueue(2)
        with pytest.raises(QueueNotFoundError):
            handle.info()


def test_arguments_and_options_are_checked_at_the_call(harness):
    with transaction.atomic():
        with pytest.raises(TypeError, match="order_id"):
            confirm.enqueue()
        with pytest.raises(PayloadError, match="order_id"):
            confirm.enqueue("first")
        with pytest.raises(ConfigError, match="unique_key"):
            confirm.options(unique_key="x").enqueue(1)

    assert enqueued(harness) == []


def test_arguments_are_encoded_at_the_call(harness):
    seen = {"items": ["tea"]}

    @App(name="lists").task("list")
    def note(items: dict[str, list[str]]) -> None: ...

    with transaction.atomic():
        task = note.bind(seen)
        app.enqueue_many([task])
        seen["items"].append("milk")

    assert harness.tasks()[0].arguments == {"items": {"items": ["tea"]}}


def test_options_of_a_call_are_kept(harness):
    with transaction.atomic():
        later = confirm.options(process_in=60, queue="low", task_id="mine", headers={"a": "b"})
        handle = later.enqueue(1)

    (task,) = harness.tasks()
    assert (handle.id, task.id, task.queue, task.state) == ("mine", "mine", "low", "scheduled")
    assert task.due_at == harness.clock.now + timedelta(seconds=60)


def test_many_tasks_are_sent_together_after_the_commit(harness):
    with transaction.atomic():
        batch = confirm.enqueue_many([1, 2, "three"])
        results = app.enqueue_many([Task("audit:later", b'{"what":"x"}'), audit.bind("y")])
        before = enqueued(harness)

    assert before == []
    assert {each.id for each in (*batch, *(result.info for result in results))} == {
        each.id for each in harness.tasks()
    }
    assert [each.position for each in batch.errors] == [2]


def test_at_once_is_for_a_task_and_for_a_call(harness):
    with pytest.raises(Undone), transaction.atomic():
        audit.enqueue("asked")
        at_once(confirm).options(queue="low").enqueue(1)
        raise Undone

    assert [name for name, _arguments in enqueued(harness)] == ["audit", "order:confirm"]


def test_after_commit_is_for_a_task_of_an_app_that_sends_at_once(harness, redis_url):
    direct = App(redis_url, on_commit=False)
    note = direct.task("note")(lambda_free)

    with direct.testing() as own:
        with transaction.atomic():
            note.enqueue(1)
            after_commit(note).enqueue(2)
            before = enqueued(own)
        after = enqueued(own)

    assert before == [("note", {"number": 1})]
    assert len(after) == 2


def lambda_free(number: int) -> None: ...


@pytest.mark.parametrize("other", [after_commit, at_once])
def test_only_a_task_can_be_sent_in_another_way(other):
    with pytest.raises(ConfigError, match="takes a task, not function"):
        other(lambda_free)


def test_all_databases_must_commit(harness):
    with transaction.atomic(using="other"):
        with transaction.atomic():
            confirm.enqueue(1)
        before = enqueued(harness)

    assert before == []
    assert len(harness.tasks()) == 1


def test_a_rollback_of_any_database_keeps_the_task_back(harness):
    with pytest.raises(Undone), transaction.atomic(using="other"):
        with transaction.atomic():
            confirm.enqueue(1)
        raise Undone

    assert enqueued(harness) == []


def test_only_the_databases_count_that_are_named(redis_url, database):
    named = App(redis_url, on_commit=["other"])
    note = named.task("note")(lambda_free)

    with named.testing() as own, transaction.atomic():
        note.enqueue(1)
        with transaction.atomic(using="other"):
            note.enqueue(2)
            inside = len(own.tasks())
        assert (inside, len(own.tasks())) == (1, 2)


async def test_a_coroutine_without_a_transaction_sends_at_once(database):
    async with app.testing() as harness:
        await aconfirm.aenqueue(1)

        assert len(harness.tasks()) == 1


def test_a_coroutine_called_inside_of_a_transaction_sends_after_the_commit(harness):
    async def enqueue_them():
        handle = await aconfirm.aenqueue(1)
        batch = await aconfirm.aenqueue_many([2])
        await app.aenqueue_many([aconfirm.bind(3)])
        await at_once(aconfirm).aenqueue(4)
        return [handle.id, *(each.id for each in batch)]

    with transaction.atomic():
        ids = async_to_sync(enqueue_them)()
        before = enqueued(harness)

    assert before == [("order:aconfirm", {"order_id": 4})]
    assert set(ids) < {each.id for each in harness.tasks()}
    assert len(harness.tasks()) == 4


def test_a_handler_sends_after_its_commit(harness):
    follow.enqueue()

    assert [each.type for each in harness.run_pending(raises=True)] == [
        "order:follow",
        "audit:later",
    ]


def unreachable(errors):
    return App(f"redis://127.0.0.1:{free_port()}", on_commit_errors=errors, enqueue_patience=0)


def test_an_error_of_redis_at_the_commit_is_logged_for_each_task(database, caplog):
    note = unreachable("log").task("note")(lambda_free)
    with transaction.atomic():
        order = Order.objects.create(item="tea")
        handle = note.enqueue(1)
        note.options(queue="low").enqueue_many([2, 3])

    lines = [each for each in caplog.records if each.name == "pyasynq.django"]
    assert [each.levelno for each in lines] == [logging.ERROR] * 3
    assert (
        lines[0]
        .getMessage()
        .startswith("task 'note' was not enqueued after the commit: redis is not available")
    )
    assert (lines[0].task_id, lines[0].queue, lines[1].queue) == (handle.id, "default", "low")
    assert Order.objects.filter(pk=order.pk).exists()


def test_an_error_of_redis_at_the_commit_is_raised_if_the_app_says_so(database):
    note = unreachable("raise").task("note")(lambda_free)

    with pytest.raises(ConnectionError), transaction.atomic():
        Order.objects.create(item="tea")
        note.enqueue(1)

    assert Order.objects.count() == 1


def test_a_lock_that_is_held_at_the_commit_is_told_in_the_log(harness, caplog):
    caplog.set_level(logging.INFO, "pyasynq.django")
    confirm.options(unique=60).enqueue(1)
    with transaction.atomic():
        confirm.options(unique=60).enqueue(1)

    (line,) = [each for each in caplog.records if each.name == "pyasynq.django"]
    assert line.levelno == logging.INFO
    assert "same unique key" in line.getMessage()
    assert len(harness.tasks()) == 1


def test_a_lock_that_is_held_is_no_error_to_raise(database, redis_url, caplog):
    loud = App(redis_url, on_commit_errors="raise")
    note = loud.task("note")(lambda_free).options(unique=60)
    with loud.testing() as own:
        with transaction.atomic():
            note.enqueue(1)
            note.enqueue(1)
            note.enqueue_many([1, 2])

        assert len(own.tasks()) == 2


def test_a_broken_transaction_sends_nothing(harness):
    with pytest.raises(transaction.TransactionManagementError), transaction.atomic():
        confirm.enqueue(1)
        try:
            with transaction.atomic(savepoint=False):
                raise DatabaseError
        except DatabaseError:
            Order.objects.count()

    assert enqueued(harness) == []
    assert not connections["default"].run_on_commit


@pytest.mark.parametrize(
    ("keywords", "fault"),
    [
        ({"on_commit": "default"}, "on_commit must be True, False or a list"),
        ({"on_commit": ["others"]}, "on_commit names 'others', which DATABASES does not have"),
        ({"on_commit_errors": "ignore"}, "on_commit_errors must be one of"),
    ],
)
def test_wrong_switches_are_refused(keywords, fault):
    with pytest.raises(ConfigError, match=fault):
        App(**keywords)
