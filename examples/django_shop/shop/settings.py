"""Settings for development."""

import os
from pathlib import Path

DATABASE = os.environ.get("SHOP_DATABASE", Path(__file__).parents[1] / "shop.sqlite3")

DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DATABASE, "ATOMIC_REQUESTS": True}
}
DEBUG = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = ["shop", "pyasynq.contrib.django"]
PYASYNQ = {"NAME": "shop", "QUEUES": {"default": 3, "low": 1}}
ROOT_URLCONF = "shop.urls"
SECRET_KEY = "for development only"  # noqa: S105 - as it says
