"""What a worker is given: the tasks, once Django knows its settings and models."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
django.setup()

from shop.tasks import app  # noqa: E402, F401 - models can be imported only now
