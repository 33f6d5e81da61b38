"""The view that takes orders."""

from functools import partial

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.http import require_POST

from shop.models import Order
from shop.tasks import confirm


def create_order(request: HttpRequest) -> HttpResponse:
    """Store an order, and have it confirmed once a worker can see it."""
    order = Order.objects.create(item=request.POST["item"])
    # Each request is a transaction: a worker that is faster than its end would find no order.
    transaction.on_commit(partial(confirm.enqueue, order.pk))
    return HttpResponse(f"order {order.pk}\n", status=202)


urlpatterns = [path("orders", require_POST(create_order))]
