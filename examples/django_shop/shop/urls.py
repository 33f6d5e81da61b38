"""The view that takes orders."""

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.http import require_POST

from shop.models import Order
from shop.tasks import confirm


def create_order(request: HttpRequest) -> HttpResponse:
    """Store an order, and have it confirmed."""
    order = Order.objects.create(item=request.POST["item"])
    confirm.enqueue(order.pk)  # is sent when the transaction of the request is committed
    return HttpResponse(f"order {order.pk}\n", status=202)


urlpatterns = [path("orders", require_POST(create_order))]
