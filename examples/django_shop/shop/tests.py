"""Tests that end with a rollback, as those of Django do."""

from django.test import TestCase

from shop.models import Order
from shop.tasks import app, confirm


class OrderTest(TestCase):
    """An order from the request to its confirmation."""

    def test_an_order_is_confirmed(self) -> None:
        """The handler sees what the test has not committed, since it runs in its thread."""
        with app.testing() as harness:
            with self.captureOnCommitCallbacks(execute=True):
                self.client.post("/orders", {"item": "tea"})
            assert not Order.objects.get().is_confirmed
            harness.run_pending(raises=True)

        assert Order.objects.get().is_confirmed

    def test_an_order_that_is_gone_is_not_tried_again(self) -> None:
        """Its task is archived at the first attempt."""
        with app.testing() as harness:
            confirm.enqueue(7)
            harness.run_all()
            (task,) = harness.tasks(state="archived")

        assert (task.arguments, task.retried) == ({"order_id": 7}, 0)
