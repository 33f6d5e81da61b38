"""What is done apart from the requests."""

from pyasynq import SkipRetry
from pyasynq.contrib.django import app
from shop.models import Order


@app.task("order:confirm", max_retry=5, timeout=30)
def confirm(order_id: int) -> None:
    """Confirm an order; safe to repeat."""
    if not Order.objects.filter(pk=order_id).update(is_confirmed=True):
        raise SkipRetry(f"there is no order {order_id}")


@app.periodic("0 3 * * *", queue="low")
def forget_old_orders() -> None:
    """Delete all but the last thousand orders, at three in the morning."""
    kept = Order.objects.order_by("-pk").values("pk")[:1000]
    Order.objects.exclude(pk__in=kept).delete()
