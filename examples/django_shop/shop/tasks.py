"""What is done apart from the requests."""

from pyasynq import App, SkipRetry
from shop.models import Order

app = App(name="shop")


@app.task("order:confirm", max_retry=5, timeout=30)
def confirm(order_id: int) -> None:
    """Confirm an order; safe to repeat."""
    if not Order.objects.filter(pk=order_id).update(is_confirmed=True):
        raise SkipRetry(f"there is no order {order_id}")
