"""Test cases for projects, run as Django runs them."""

import pytest
from asgiref.sync import sync_to_async
from django.db import connections, transaction

from pyasynq.contrib.django import App, app, at_once
from pyasynq.contrib.django.test import TestCase, TransactionTestCase
from pyasynq.errors import ServerStateError
from tests.support import django_project
from tests.support.django_shop.models import Order
from tests.support.django_shop.tasks import aconfirm, audit_later, confirm, follow

other = App(name="other")
note = other.task("note")(audit_later.spec.function)


@pytest.fixture(scope="module", autouse=True)
def tables():
    """The tables that the test cases use."""
    django_project.make_tables()
    Order.objects.all().delete()
    yield
    connections.close_all()


def confirm_new():
    with transaction.atomic():
        order = Order.objects.create(item="tea")
        confirm.enqueue(order.pk)


class OfTestCase(TestCase):
    databases = {"default"}  # noqa: RUF012 - as Django's own are written

    def test_a_task_of_a_transaction_runs(self):
        confirm_new()
        before = Order.objects.get().is_confirmed
        (handled,) = self.harness.run_pending(raises=True)

        assert (before, Order.objects.get().is_confirmed) == (False, True)
        assert handled.result == 1

    def test_a_task_of_a_transaction_is_enqueued(self):
        confirm_new()

        assert [each.type for each in self.harness.tasks(state="pending")] == ["order:confirm"]

    def test_a_task_of_a_rollback_is_not(self):
        with pytest.raises(ValueError, match="undone"), transaction.atomic():
            confirm.enqueue(1)
            raise ValueError("undone")

        assert self.harness.tasks() == []

    def test_a_transaction_that_is_open_is_not_committed(self):
        with transaction.atomic():
            confirm.enqueue(1)

            assert self.harness.tasks() == []

    def test_what_a_handler_sends_after_its_commit_runs_too(self):
        follow.enqueue()

        handled = self.harness.run_pending(raises=True)

        assert [each.type for each in handled] == ["order:follow", "audit:later"]

    def test_hooks_that_were_captured_do_not_send_again(self):
        with self.captureOnCommitCallbacks(execute=True) as callbacks:
            confirm_new()

        assert len(callbacks) == 1
        assert len(self.harness.tasks()) == 1

    def test_other_hooks_are_left_alone(self):
        done = []
        with self.captureOnCommitCallbacks() as callbacks:
            with transaction.atomic():
                transaction.on_commit(lambda: done.append(1))
                confirm.enqueue(1)
            self.harness.commit()

        assert (done, len(callbacks)) == ([], 1)

    def test_the_clock_is_that_of_the_harness(self):
        confirm.options(process_in=60).enqueue(1)
        early = self.harness.run_pending()
        self.harness.clock.advance(60)

        assert (early, len(self.harness.run_pending())) == ([], 1)

    def test_nothing_of_another_test_is_left(self):
        assert self.harness.tasks() == []
        assert not Order.objects.exists()

    async def test_coroutines_run_in_the_transaction_of_the_test(self):
        order = await Order.objects.acreate(item="tea")
        await aconfirm.aenqueue(order.pk)
        await at_once(confirm).aenqueue(order.pk)

        handled = await self.harness.arun_pending(raises=True)

        assert len(handled) == 2
        assert (await Order.objects.aget()).is_confirmed

    async def test_a_coroutine_sees_what_plain_code_has_committed(self):
        await sync_to_async(confirm_new)()

        assert [each.type for each in self.harness.tasks()] == ["order:confirm"]

    async def test_a_plain_run_in_a_coroutine_names_what_is_right(self):
        with pytest.raises(ServerStateError, match=r"use `await arun_pending\(\)`"):
            self.harness.run_pending()
        with pytest.raises(ServerStateError, match=r"use `await arun_all\(\)`"):
            self.harness.run_all()

    def test_coroutine_functions_see_what_a_plain_test_has_stored(self):
        order = Order.objects.create(item="tea")
        aconfirm.enqueue(order.pk)
        confirm.enqueue(order.pk)

        aconfirmed, confirmed = self.harness.run_all(raises=True)

        assert (aconfirmed.result, confirmed.result) == (1, 1)


class OfTransactionTestCase(TransactionTestCase):
    databases = {"default"}  # noqa: RUF012 - as Django's own are written
    available_apps = ["tests.support.django_shop", "pyasynq.contrib.django"]  # noqa: RUF012 - likewise

    def test_a_task_is_sent_by_the_commit(self):
        confirm_new()
        self.harness.run_all(raises=True)

        assert Order.objects.get().is_confirmed


class OfAnotherApp(TestCase):
    databases = {"default"}  # noqa: RUF012 - as Django's own are written
    tasks_app = other

    def test_the_harness_is_that_of_its_app(self):
        with transaction.atomic():
            note.enqueue("x")

        assert [each.type for each in self.harness.tasks()] == ["note"]
        assert app is not other
