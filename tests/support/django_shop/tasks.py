from django.db import connection, transaction

from pyasynq.contrib.django import app, at_once
from tests.support.django_shop.models import Order


@app.task("order:confirm", retention=60)
def confirm(order_id: int) -> int:
    return Order.objects.filter(pk=order_id).update(is_confirmed=True)


@app.task("order:aconfirm", retention=60)
async def aconfirm(order_id: int) -> int:
    return await Order.objects.filter(pk=order_id).aupdate(is_confirmed=True)


@at_once
@app.task("audit")
def audit(what: str) -> None:
    """Sent at once, whatever becomes of the transaction."""


@app.task("order:follow")
def follow() -> None:
    """Enqueue another task in a transaction."""
    with transaction.atomic():
        audit_later.enqueue("followed")


@app.task("audit:later")
def audit_later(what: str) -> None: ...


@app.task("order:count", executor="process", retention=60)
def count_in_a_process() -> tuple[int, bool]:
    return Order.objects.count(), connection.connection is not None
