"""What is done apart from the requests."""

from typing import Any

from django.db import close_old_connections

from pyasynq import App, PlainCallNext, SkipRetry, TaskContext
from shop.models import Order

app = App(name="shop")


@app.middleware
def fresh_connections(ctx: TaskContext, call_next: PlainCallNext) -> Any:
    """Replace a connection to the database that has gone stale, in the thread of the handler."""
    close_old_connections()
    return call_next(ctx)


@app.task("order:confirm", max_retry=5, timeout=30)
def confirm(order_id: int) -> None:
    """Confirm an order; safe to repeat."""
    if not Order.objects.filter(pk=order_id).update(is_confirmed=True):
        raise SkipRetry(f"there is no order {order_id}")
