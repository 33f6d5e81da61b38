"""What is stored."""

from django.db import models


class Order(models.Model):
    """An order, which a task confirms."""

    item = models.CharField(max_length=100)
    is_confirmed = models.BooleanField(default=False)
