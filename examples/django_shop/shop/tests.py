"""Tests that end with a rollback, as those of Django do."""

from pyasynq.contrib.django.test import TestCase
from shop.models import Order
from shop.tasks import confirm, forget_old_orders


class OrderTest(TestCase):
    """An order from the request to its confirmation."""

    def test_an_order_is_confirmed(self) -> None:
        """The handler sees what the test has not committed, since it runs in its thread."""
        self.client.post("/orders", {"item": "tea"})
        assert not Order.objects.get().is_confirmed

        self.harness.run_pending(raises=True)

        assert Order.objects.get().is_confirmed

    def test_an_order_that_is_gone_is_not_tried_again(self) -> None:
        """Its task is archived at the first attempt."""
        confirm.enqueue(7)
        self.harness.run_all()

        (task,) = self.harness.tasks(state="archived")
        assert (task.arguments, task.retried) == ({"order_id": 7}, 0)

    def test_only_old_orders_are_forgotten(self) -> None:
        """A task is a function, which can be called."""
        Order.objects.bulk_create(Order(item=f"tea {number}") for number in range(1001))

        forget_old_orders()

        assert (Order.objects.count(), Order.objects.first().item) == (1000, "tea 1")
